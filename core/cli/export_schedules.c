#include "cli/export_schedules.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "export/schedules.h"

#include <stdio.h>
#include <string.h>

static int write_schedule(const struct export_plan *plan, enum export_format format,
                          const char *folder, struct err *err)
{
    char *text = NULL, *path = mem_format(err, "%s/%s", folder, export_format_file(format));
    int code = path == NULL ? ERR_MEMORY
                            : export_schedule(plan, format, share_folder(), &text, err);
    if (code == 0)
        code = file_replace(path, text, strlen(text), err);
    if (code == 0)
        printf("exported: %s\n", path);
    mem_free(text);
    mem_free(path);
    return code;
}

/* What one program has no words for is said and left out. */
static int write_schedules(const struct export_plan *plan, const char *folder, struct err *err)
{
    int code = file_make_folders(folder, err);
    for (int format = 1; code == 0 && format <= EXPORT_FORMAT_COUNT; format++) {
        struct err wordless = {0};
        code = write_schedule(plan, (enum export_format)format, folder, &wordless);
        if (code == ERR_INPUT && format == EXPORT_MEGATRON) {
            printf("left out: %s\n", wordless.text);
            code = 0;
        } else if (code != 0) {
            *err = wordless;
        }
    }
    return code;
}

int export_schedules(const struct experiment *experiment, const char *profile_name,
                     const char *only, const char *to, struct err *err)
{
    const char *name = profile_name == NULL ? experiment->default_profile : profile_name;
    const struct experiment_profile *profile = experiment_profile(experiment, name, err);
    int code = profile == NULL ? ERR_USAGE : 0;
    for (size_t i = 0; code == 0 && i < experiment->run_count; i++) {
        const struct experiment_run *run = &experiment->runs[i];
        struct schedule schedule;
        char *folder = NULL;
        if (only != NULL && strcmp(only, run->name) != 0)
            continue;
        code = experiment_schedule(experiment, profile, run, &schedule, err);
        struct export_plan plan = {run->name,  run->title, &schedule,   run->weight_decay,
                                   run->beta1, run->beta2, run->epsilon};
        if (code == 0 && (folder = mem_format(err, "%s/%s-%s-%s", to, experiment->name,
                                              profile->name, run->name)) == NULL)
            code = ERR_MEMORY;
        if (code == 0)
            code = write_schedules(&plan, folder, err);
        mem_free(folder);
    }
    return code;
}
