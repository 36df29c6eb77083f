/* What the machine is, by the files of /proc; where there are none it says less. */
#include "base/err.h"
#include "base/text.h"
#include "doctor/doctor_parts.h"

#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE 8192 /* of /proc/cpuinfo: the flags alone take 1500 bytes */
#define BUSY 0.5  /* of a core, by others: from here on threads that spin are slowed down */

/* What sets the pace of training, as /proc/cpuinfo calls it. */
static const struct {
    const char *flag, *words;
} features[] = {
    {"avx2", "AVX2"},
    {"avx512f", "AVX-512"},
    {"avx512_bf16", "bf16"},
    {"amx_bf16", "AMX"},
};

/* The value of the first line "key : value"; empty where there is none. */
static void read_value(const char *path, const char *key, char *value, size_t size)
{
    static char line[LINE];
    FILE *file = fopen(path, "r");
    value[0] = '\0';
    if (file == NULL)
        return;
    while (value[0] == '\0' && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || colon == NULL)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(value, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
    }
    fclose(file);
}

static int has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return 1;
    return 0;
}

static int look_at_processor(struct findings *findings, struct err *err)
{
    static char flags[LINE];
    char model[128];
    struct text has = {0}, lacks = {0};
    read_value("/proc/cpuinfo", "model name", model, sizeof model);
    read_value("/proc/cpuinfo", "flags", flags, sizeof flags);
    for (size_t i = 0; flags[0] != '\0' && i < sizeof features / sizeof *features; i++) {
        struct text *list = has_word(flags, features[i].flag) ? &has : &lacks;
        text_put(list, "%s%s", list->size == 0 ? "" : ", ", features[i].words);
    }
    const struct finding *finding = findings_add(
        findings, FINDING_FINE, "processor", err, "%s%s%s%s%s",
        model[0] == '\0' ? "not named by the system" : model, has.size == 0 ? "" : "; has ",
        has.size == 0 ? "" : has.bytes, lacks.size == 0 ? "" : "; has not ",
        lacks.size == 0 ? "" : lacks.bytes);
    text_release(&has);
    text_release(&lacks);
    return finding == NULL ? ERR_MEMORY : 0;
}

/* What the process may use may be less than the machine has. */
static int look_at_cores(struct findings *findings, struct err *err)
{
    cpu_set_t set;
    double load = 0.0;
    long all = sysconf(_SC_NPROCESSORS_ONLN);
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int known = getloadavg(&load, 1) == 1, busy = known && load >= BUSY, fewer = cores < all;
    struct finding *finding = findings_add(
        findings, busy || fewer ? FINDING_NOTE : FINDING_FINE, "cores", err,
        "%d of %ld that this process may use; %.1f of the machine's were busy over the last minute",
        cores, all, load);
    if (finding == NULL)
        return ERR_MEMORY;
    if (fewer)
        return finding_mend(finding,
                            "an affinity (taskset) keeps it from the others; the number of threads "
                            "is part of a run's identity: --threads says it");
    return busy ? finding_mend(finding, "trainings share the cores with other work: speeds here "
                                        "and times left are those of a busy machine")
                : 0;
}

/* NVIDIA's, by what their driver says. */
static int look_at_gpu(struct findings *findings, struct err *err)
{
    char version[256], model[128];
    glob_t found = {0};
    read_value("/proc/driver/nvidia/version", "NVRM version", version, sizeof version);
    if (version[0] == '\0')
        return findings_add(findings, FINDING_FINE, "GPU", err,
                            "none with NVIDIA's driver; the processor computes") == NULL
                   ? ERR_MEMORY
                   : 0;
    glob("/proc/driver/nvidia/gpus/*/information", 0, NULL, &found);
    int code = 0;
    for (size_t i = 0; code == 0 && i < found.gl_pathc; i++) {
        read_value(found.gl_pathv[i], "Model", model, sizeof model);
        if (findings_add(findings, FINDING_FINE, "GPU", err, "%s, driver %.200s", model, version) ==
            NULL)
            code = ERR_MEMORY;
    }
    globfree(&found);
    return code;
}

int doctor_machine(struct findings *findings, struct err *err)
{
    int code = look_at_processor(findings, err);
    if (code == 0)
        code = look_at_cores(findings, err);
    if (code == 0)
        code = look_at_gpu(findings, err);
    return code;
}
