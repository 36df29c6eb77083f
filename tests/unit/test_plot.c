/* test_plot.c -- the four files, and every way a figure cannot be drawn.  PLOTS_DIR, from the
 * environment or else the build, is the folder of the gnuplot scripts. */
#include "base/err.h"
#include "draw/plot.h"
#include "results/runlog.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#ifndef PLOTS_DIR
#define PLOTS_DIR "plots"
#endif
#define PATH_SIZE 4096
/* The logs of a curve with one seed. */
#define ONE(path) (const struct plot_log[]){read_log(path)}, 1
#define HEADER                                                                                    \
    "epoch\tupdates\timages\tlr\tbatch\tmomentum\tnoise_scale\ttrain_loss\ttrain_loss_l2\ttrain_" \
    "accuracy\ttest_loss\t"                                                                       \
    "test_accuracy\timages_per_second\tseconds\n"
#define ROW "1\t10\t1280\t0.1\t128\t0.9\t390\t1.5\t1.6\t0.500000\t1.4\t0.550000\t800.0\t2.00\n"

struct scratch {
    char folder[PATH_SIZE], script[PATH_SIZE];
};

static const char *const names[] = {"fig.png", "fig.svg", "fig.pdf", "fig.tsv"};

static char *join(char *out, const char *folder, const char *name)
{
    assert_true(snprintf(out, PATH_SIZE, "%s/%s", folder, name) < PATH_SIZE);
    return out;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The bytes with a NUL behind them; NULL when there is no such file. */
static char *read_text(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    static char text[1 << 20];
    *size = fread(text, 1, sizeof text - 1, file);
    text[*size] = '\0';
    fclose(file);
    return text;
}

static char *in_folder(const struct scratch *scratch, const char *name)
{
    static char paths[64][PATH_SIZE];
    static size_t next;
    return join(paths[next++ % 64], scratch->folder, name);
}

/* A log that rises to `top` in `epochs` epochs of `updates` updates. */
static const char *write_log(const struct scratch *scratch, const char *name, int epochs,
                             int updates, double top)
{
    char *path = in_folder(scratch, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(HEADER, file);
    for (int e = 1; e <= epochs; e++)
        fprintf(file,
                "%d\t%d\t%d\t0.1\t128\t0.9\t390\t1.5\t1.6\t0.500000\t1.4\t%.6f\t800.0\t2.00\n", e,
                e * updates, e * updates * 128, top * (1 - 1.0 / (1 + e)));
    assert_int_equal(fclose(file), 0);
    return path;
}

/* The log at a path, kept until the next test. */
static struct runlog kept_logs[16];
static size_t kept_count;

static struct plot_log read_log(const char *path)
{
    struct err err = {0};
    assert_true(kept_count < sizeof kept_logs / sizeof *kept_logs);
    struct runlog *log = &kept_logs[kept_count++];
    if (runlog_read(log, path, &err) != 0)
        fail_msg("%s", err.text);
    return (struct plot_log){log, path};
}

static int setup(void **state)
{
    static struct scratch scratch;
    const char *base = getenv("TMPDIR");
    const char *plots = getenv("PLOTS_DIR");
    assert_true(snprintf(scratch.folder, PATH_SIZE, "%s/plot-XXXXXX",
                         base == NULL ? "/tmp" : base) < PATH_SIZE);
    join(scratch.script, plots == NULL ? PLOTS_DIR : plots, "figure5.gp");
    *state = &scratch;
    return mkdtemp(scratch.folder) == NULL;
}

static int teardown(void **state)
{
    struct scratch *scratch = *state;
    char command[PATH_SIZE + 16];
    while (kept_count > 0)
        runlog_release(&kept_logs[--kept_count]);
    snprintf(command, sizeof command, "rm -rf '%s'", scratch->folder);
    return system(command) != 0;
}

static const size_t all_curves[] = {0, 1, 2, 3};

/* One panel, as figure 5 has it. */
static struct plot_panel panel(size_t curves, const char *paper)
{
    return (struct plot_panel){.title = "",
                               .x = "updates",
                               .y = "test_accuracy",
                               .curve_count = curves,
                               .curves = all_curves,
                               .paper_curves = paper,
                               .printed = paper != NULL,
                               .x_range = {0, 80000},
                               .y_range = {0.75, 0.95}};
}

static int draw(const struct scratch *scratch, const struct plot_curve *curves, size_t count,
                struct err *err)
{
    const struct plot_panel one = panel(count, NULL);
    struct plot_request request = {
        .panel_count = 1,
        .panels = &one,
        .script = scratch->script,
        .stem = in_folder(scratch, "fig"),
        .title = "A figure",
        .caption = "synthetic data, profile smoke",
        .curve_count = count,
        .curves = curves,
    };
    return plot_draw(&request, err);
}

static void assert_no_parts(const struct scratch *scratch)
{
    char command[PATH_SIZE + 64];
    snprintf(command, sizeof command, "ls '%s' | grep -q '[.]part$'", scratch->folder);
    assert_int_not_equal(system(command), 0);
}

static void assert_figure(const char *stem)
{
    static const struct {
        const char *extension, *magic;
    } kinds[] = {{"png", "\x89PNG\r\n\x1a\n"}, {"svg", "<?xml"}, {"pdf", "%PDF-"}, {"tsv", "# "}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[PATH_SIZE];
        size_t size;
        assert_true(snprintf(path, PATH_SIZE, "%s.%s", stem, kinds[i].extension) < PATH_SIZE);
        char *text = read_text(path, &size);
        assert_non_null(text);
        assert_true(size > 100);
        assert_memory_equal(text, kinds[i].magic, strlen(kinds[i].magic));
    }
}

/* Fails with `code` and all of the words, with the figure drawn before left as it was. */
static void assert_refused(const struct scratch *scratch, const struct plot_curve *curve, int code,
                           const char *words)
{
    for (size_t i = 0; i < 4; i++)
        write_text(in_folder(scratch, names[i]), "old");
    struct err err = {0};
    assert_int_equal(draw(scratch, curve, 1, &err), code);
    assert_int_equal(err.code, code);
    if (strstr(err.text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, err.text);
    for (size_t i = 0; i < 4; i++) {
        size_t size;
        assert_string_equal(read_text(in_folder(scratch, names[i]), &size), "old");
    }
    assert_no_parts(scratch);
}

/* A log that cannot be read, or can and cannot be drawn. */
static void assert_log_refused(const struct scratch *scratch, const char *text, const char *words)
{
    const char *path = in_folder(scratch, "bad.tsv");
    struct runlog log = {0};
    struct err err = {0};
    write_text(path, text);
    if (runlog_read(&log, path, &err) != 0) {
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, words));
        return;
    }
    const struct plot_log one = {&log, path};
    const struct plot_curve curve = {"Original", &one, 1, NULL, 0};
    assert_refused(scratch, &curve, ERR_INPUT, words);
    runlog_release(&log);
}

static void draws_four_files(void **state)
{
    const struct scratch *scratch = *state;
    const struct plot_curve curves[] = {
        {"Original", ONE(write_log(scratch, "a.tsv", 40, 390, 0.85)), NULL, 0},
        {"Short", ONE(write_log(scratch, "b.tsv", 40, 10, 0.80)), NULL, 0},
    };
    struct err err = {0};
    int code = draw(scratch, curves, 2, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, 0);
    assert_figure(in_folder(scratch, "fig"));
    assert_no_parts(scratch);
    size_t size;
    const unsigned char *png = (const unsigned char *)read_text(in_folder(scratch, "fig.png"),
                                                                &size);
    assert_true((png[18] << 8 | png[19]) >= 1200); /* IHDR: width */
    const char *svg = read_text(in_folder(scratch, "fig.svg"), &size);
    assert_non_null(strstr(svg, "Original: 82.9 % after 15600 updates"));
    assert_non_null(strstr(svg, "the first 450 updates"));
}

#define REST "\t1.5\t1.5\t1.6\t1.6\t0.500000\t0.500000\t1.4\t1.4\t"

static void table_holds_every_point(void **state)
{
    const struct scratch *scratch = *state;
    const struct plot_curve curves[] = {
        {"A \"quoted\"\ttitle", ONE(write_log(scratch, "a.tsv", 3, 390, 0.8)), NULL, 0},
        {"B", ONE(write_log(scratch, "b.tsv", 2, 10, 0.6)), NULL, 0},
    };
    struct err err = {0};
    assert_int_equal(draw(scratch, curves, 2, &err), 0);
    size_t size;
    const char *text = read_text(in_folder(scratch, "fig.tsv"), &size);
    assert_string_equal(
        text,
        "# A figure\n# synthetic data, profile smoke\n"
        "curve\ttitle\tepoch\tupdates\timages\tlr\tbatch\tmomentum\tnoise_scale\ttrain_loss\ttrain_"
        "loss_l2\t"
        "train_accuracy\ttest_loss\ttest_accuracy\tseeds\ttrain_loss_low\ttrain_loss_high\t"
        "train_loss_l2_low\ttrain_loss_l2_high\ttrain_accuracy_low\ttrain_accuracy_high\t"
        "test_loss_low\ttest_loss_high\ttest_accuracy_low\ttest_accuracy_high\n"
        "1\tA 'quoted' "
        "title\t1\t390\t49920\t0.1\t128\t0.9\t390\t1.5\t1.6\t0.500000\t1.4\t0.400000\t1" REST
        "0.400000\t0.400000\n"
        "1\tA 'quoted' "
        "title\t2\t780\t99840\t0.1\t128\t0.9\t390\t1.5\t1.6\t0.500000\t1.4\t0.533333\t1" REST
        "0.533333\t0.533333\n"
        "1\tA 'quoted' "
        "title\t3\t1170\t149760\t0.1\t128\t0.9\t390\t1.5\t1.6\t0.500000\t1.4\t0.600000\t1" REST
        "0.600000\t0.600000\n"
        "2\tB\t1\t10\t1280\t0.1\t128\t0.9\t390\t1.5\t1.6\t0.500000\t1.4\t0.300000\t1" REST
        "0.300000\t0.300000\n"
        "2\tB\t2\t20\t2560\t0.1\t128\t0.9\t390\t1.5\t1.6\t0.500000\t1.4\t0.400000\t1" REST
        "0.400000\t0.400000\n");
}

/* Three seeds: the mean, and the lowest and highest beside it. */
static void several_seeds_make_a_band(void **state)
{
    const struct scratch *scratch = *state;
    const struct plot_log logs[] = {read_log(write_log(scratch, "a.tsv", 2, 10, 0.6)),
                                    read_log(write_log(scratch, "b.tsv", 2, 10, 0.9)),
                                    read_log(write_log(scratch, "c.tsv", 2, 10, 0.3))};
    const struct plot_curve curve = {"A", logs, 3, NULL, 0};
    struct err err = {0};
    assert_int_equal(draw(scratch, &curve, 1, &err), 0);
    size_t size;
    const char *text = read_text(in_folder(scratch, "fig.tsv"), &size);
    assert_non_null(strstr(text, "\t1.4\t0.300000\t3" REST "0.150000\t0.450000\n"));
    assert_non_null(strstr(text, "\t1.4\t0.400000\t3" REST "0.200000\t0.600000\n"));
    assert_null(strstr(text, "\n2\t"));
}

static void seeds_of_other_schedules_are_refused(void **state)
{
    const struct scratch *scratch = *state;
    const struct plot_log first = read_log(write_log(scratch, "a.tsv", 3, 10, 0.6));
    const struct plot_curve uneven = {
        "A", (const struct plot_log[]){first, read_log(write_log(scratch, "b.tsv", 3, 11, 0.6))}, 2,
        NULL, 0};
    assert_refused(scratch, &uneven, ERR_INPUT, "b.tsv:2: another epoch or number of updates");
    const struct plot_curve shorter = {
        "A", (const struct plot_log[]){first, read_log(write_log(scratch, "c.tsv", 2, 10, 0.6))}, 2,
        NULL, 0};
    assert_refused(scratch, &shorter, ERR_INPUT, "c.tsv:4: one log goes on where the other ends");
}

/* Two panels, each with curves of its own, on both kinds of axes; with the printed axes and
 * without. */
static void panels_stand_side_by_side(void **state)
{
    struct scratch scratch = *(struct scratch *)*state;
    char *end = strrchr(scratch.script, '/');
    snprintf(end, PATH_SIZE - (size_t)(end - scratch.script), "/panels.gp");
    const struct plot_curve curves[] = {
        {"First", ONE(write_log(&scratch, "a.tsv", 40, 390, 0.85)), (const char *const[]){"first"},
         1},
        {"Second", ONE(write_log(&scratch, "b.tsv", 40, 10, 0.80)), NULL, 0},
        {"First", ONE(write_log(&scratch, "c.tsv", 40, 390, 0.75)), NULL, 0},
    };
    const char *paper = in_folder(&scratch, "paper.tsv");
    write_text(paper,
               "series\tx\ty\ty_lo\ty_hi\nfirst\t1\t0.9\t0.9\t0.9\nfirst\t2\t0.9\t0.9\t0.9\n");
    static const size_t left[] = {0, 1}, right[] = {2};
    static const char *const columns[][2] = {
        {"epoch", "test_accuracy"}, {"updates", "train_loss"}, {"epoch", "lr"}, {"epoch", "batch"}};
    for (size_t i = 0; i < 8; i++) {
        const struct plot_panel two[] = {
            {.title = "(a) left",
             .x = columns[i % 4][0],
             .y = columns[i % 4][1],
             .curve_count = 2,
             .curves = left,
             .paper_curves = i == 4 ? paper : NULL,
             .printed = i > 3,
             .x_range = {0, 200},
             .y_range = {0.01, 2}},
            {.title = "(b) right",
             .x = "epoch",
             .y = columns[i % 4][1],
             .curve_count = 1,
             .curves = right},
        };
        const struct plot_request request = {.script = scratch.script,
                                             .stem = in_folder(&scratch, "fig"),
                                             .title = "T",
                                             .caption = "C",
                                             .curve_count = 3,
                                             .curves = curves,
                                             .panel_count = 2,
                                             .panels = two};
        struct err err = {0};
        int code = plot_draw(&request, &err);
        assert_string_equal(err.text, "");
        assert_int_equal(code, 0);
        assert_figure(in_folder(&scratch, "fig"));
        size_t size;
        const char *svg = read_text(in_folder(&scratch, "fig.svg"), &size);
        assert_non_null(strstr(svg, "(b) right"));
        assert_int_equal(strstr(svg, "paper (digitised)") != NULL, i == 4);
        assert_int_equal(strstr(svg, "last: 82.9 / 78.0 %") != NULL, i % 4 == 0);
    }
}

/* Nothing in a name or a text is a command, an escape or markup. */
static void names_are_only_names(void **state)
{
    const struct scratch *scratch = *state;
    char *folder = in_folder(scratch, "it's \"a\" `touch ran`; $(x) #1 {é}_^@");
    assert_int_equal(mkdir(folder, 0777), 0);
    char stem[PATH_SIZE], log[PATH_SIZE], script[PATH_SIZE], look[PATH_SIZE], paper[PATH_SIZE],
        command[4 * PATH_SIZE];
    const char *simple = write_log(scratch, "a.tsv", 12, 390, 0.9);
    join(stem, folder, "my fig_5");
    join(log, folder, "log 'x'.tsv");
    assert_int_equal(rename(simple, log), 0);
    join(paper, folder, "paper's.tsv");
    write_text(paper, "# digitised\nseries\tx\ty\ty_lo\ty_hi\n"
                      "it's_one\t1000\tnan\tnan\t0.8\n"
                      "it's_one\t30000\t0.9\t0.89\t0.91\n");
    snprintf(command, sizeof command,
             "for f in figure5.gp look.gp; do cp \"${S%%/*}/$f\" \"$D/$f\" || exit; done");
    assert_int_equal(setenv("S", scratch->script, 1), 0);
    assert_int_equal(setenv("D", folder, 1), 0);
    assert_int_equal(system(command), 0);
    join(script, folder, "figure5.gp");
    join(look, folder, "look.gp");
    const struct plot_curve curve = {"It's_a \"title\" `touch ran` \\n {x}^2 @y %d <&> ü", ONE(log),
                                     (const char *const[]){"it's_one"}, 1};
    const struct plot_panel one = panel(1, paper);
    const struct plot_request request = {.script = script,
                                         .stem = stem,
                                         .title = "a_b 'c' \"d\" \\",
                                         .caption = "line one\nline_two; `touch ran` %s '' <é>",
                                         .curve_count = 1,
                                         .curves = &curve,
                                         .panel_count = 1,
                                         .panels = &one};
    char here[PATH_SIZE];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(scratch->folder), 0);
    struct err err = {0};
    int code = plot_draw(&request, &err);
    int ran = access("ran", F_OK) == 0;
    assert_int_equal(chdir(here), 0);
    assert_string_equal(err.text, "");
    assert_int_equal(code, 0);
    assert_false(ran);
    assert_figure(stem);
    size_t size;
    const char *svg = read_text(strcat(stem, ".svg"), &size);
    assert_non_null(strstr(
        svg,
        "It's_a \"title\" `touch ran` \\n {x}^2 @y %d &lt;&amp;> ü: 83.1 % after 4680 updates"));
    assert_non_null(strstr(svg, "line_two; `touch ran` %s '' &lt;é>"));
    assert_non_null(strstr(svg, "paper (digitised)"));
}

/* Whether a shell was given "touch ran...". */
static int has_run(void)
{
    glob_t found = {0};
    int ran = glob("ran*", 0, NULL, &found) == 0;
    globfree(&found);
    return ran;
}

/* gnuplot would start a program for some of these names. */
static void relative_names_start_no_program(void **state)
{
    const struct scratch *scratch = *state;
    const struct plot_curve curve = {"'", ONE(write_log(scratch, "a.tsv", 12, 390, 0.9)), NULL, 0};
    char script[PATH_SIZE], here[PATH_SIZE];
    assert_non_null(realpath(scratch->script, script));
    const char *const stems[] = {"< touch ran", "| touch ran", "-", "~"};
    assert_non_null(getcwd(here, sizeof here));
    const struct plot_panel one = panel(1, NULL);
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++) {
        const struct plot_request request = {.script = script,
                                             .stem = stems[i],
                                             .title = "''",
                                             .caption = "''' '",
                                             .curve_count = 1,
                                             .curves = &curve,
                                             .panel_count = 1,
                                             .panels = &one};
        struct err err = {0};
        assert_int_equal(chdir(scratch->folder), 0);
        int code = plot_draw(&request, &err);
        int ran = has_run();
        assert_int_equal(chdir(here), 0);
        assert_string_equal(err.text, "");
        assert_int_equal(code, 0);
        assert_false(ran);
        assert_figure(in_folder(scratch, stems[i]));
    }
}

static void one_epoch_is_enough(void **state)
{
    const struct scratch *scratch = *state;
    const char *path = in_folder(scratch, "a.tsv");
    write_text(path, HEADER ROW);
    const struct plot_curve curve = {"Original", ONE(path), NULL, 0};
    struct err err = {0};
    assert_int_equal(draw(scratch, &curve, 1, &err), 0);
    assert_figure(in_folder(scratch, "fig"));
}

static void damaged_logs_are_refused(void **state)
{
    const struct scratch *scratch = *state;
    assert_log_refused(scratch, "epoch\tupdates\n1\t2\n", "/bad.tsv:1: ");
    assert_log_refused(scratch,
                       HEADER ROW "2\tmany\t1280\t0.1\t128\t0.9\t390\t1\t1\t0.5\t1\t0.5\t800\t2\n",
                       "/bad.tsv:3: ");
    assert_log_refused(scratch, HEADER ROW "2\t20\t12", "/bad.tsv:3: ");
    assert_log_refused(scratch, HEADER, "/bad.tsv:2: no finished epoch");
    assert_log_refused(scratch, "", "/bad.tsv:1: ");
    assert_log_refused(scratch, HEADER ROW ROW,
                       "/bad.tsv:3: epoch 1, update 10 does not come after");
    assert_log_refused(
        scratch,
        HEADER "1\t10\t1280\t0.1\t128\t0.9\t390\t1\t1\t0.500000\t1\t55.000000\t800.0\t2.00\n",
        "/bad.tsv:2: test_accuracy is 55");
    assert_log_refused(
        scratch, HEADER "1\t10\t1280\t0.1\t128\t0.9\t390\t1\t1\t0.500000\t1\tnan\t800.0\t2.00\n",
        "/bad.tsv:2: test_accuracy");
}

static void missing_and_broken_scripts_are_named(void **state)
{
    struct scratch scratch = *(struct scratch *)*state;
    const struct plot_curve curve = {"Original", ONE(write_log(&scratch, "a.tsv", 5, 390, 0.8)),
                                     NULL, 0};
    join(scratch.script, scratch.folder, "mine.gp");
    assert_refused(&scratch, &curve, ERR_INPUT, "mine.gp: no such plot script");
    write_text(scratch.script, "load look\nplot nothing_of_the_sort\n");
    assert_refused(&scratch, &curve, ERR_INPUT, "look.gp: no such plot script");
    write_text(in_folder(&scratch, "look.gp"), "set output output\n");
    assert_refused(&scratch, &curve, ERR_INPUT, "line 2: undefined variable: nothing_of_the_sort");
    write_text(scratch.script, "x = 1\n");
    assert_refused(&scratch, &curve, ERR_IO, "gnuplot wrote nothing to ");
}

static void unknown_paper_series_is_named(void **state)
{
    const struct scratch *scratch = *state;
    const struct plot_curve curve = {"Original", ONE(write_log(scratch, "a.tsv", 5, 390, 0.8)),
                                     (const char *const[]){"orig"}, 1};
    const char *paper = in_folder(scratch, "paper.tsv");
    write_text(paper, "series\tx\ty\ty_lo\ty_hi\noriginal\t1\t0.9\t0.9\t0.9\n");
    const struct plot_panel one = panel(1, paper);
    const struct plot_request request = {.script = scratch->script,
                                         .stem = in_folder(scratch, "fig"),
                                         .title = "",
                                         .caption = "",
                                         .curve_count = 1,
                                         .curves = &curve,
                                         .panel_count = 1,
                                         .panels = &one};
    struct err err = {0};
    assert_int_equal(plot_draw(&request, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "paper.tsv: no curve 'orig'"));
}

static void without_gnuplot_names_the_package(void **state)
{
    const struct scratch *scratch = *state;
    const struct plot_curve curve = {"Original", ONE(write_log(scratch, "a.tsv", 5, 390, 0.8)),
                                     NULL, 0};
    char *path = strdup(getenv("PATH"));
    struct err err = {0};
    assert_non_null(path);
    assert_int_equal(setenv("PATH", scratch->folder, 1), 0);
    int code = draw(scratch, &curve, 1, &err);
    assert_int_equal(setenv("PATH", path, 1), 0);
    free(path);
    assert_int_equal(code, ERR_CANNOT_RUN);
    assert_non_null(strstr(err.text, "gnuplot-nox"));
    assert_no_parts(scratch);
    assert_int_not_equal(access(in_folder(scratch, "fig.tsv"), F_OK), 0);
}

static int have_gnuplot(void)
{
    return system("gnuplot --version >/dev/null 2>&1") == 0;
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const char *required = getenv("REPRO_REQUIRE");
    if (!have_gnuplot() && (required == NULL || strstr(required, "gnuplot") == NULL)) {
        puts("1..0 # SKIP gnuplot is not installed (gnuplot-nox)");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(draws_four_files, setup, teardown),
        cmocka_unit_test_setup_teardown(table_holds_every_point, setup, teardown),
        cmocka_unit_test_setup_teardown(several_seeds_make_a_band, setup, teardown),
        cmocka_unit_test_setup_teardown(seeds_of_other_schedules_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(panels_stand_side_by_side, setup, teardown),
        cmocka_unit_test_setup_teardown(names_are_only_names, setup, teardown),
        cmocka_unit_test_setup_teardown(relative_names_start_no_program, setup, teardown),
        cmocka_unit_test_setup_teardown(one_epoch_is_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_logs_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_and_broken_scripts_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_paper_series_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(without_gnuplot_names_the_package, setup, teardown),
    };
    return cmocka_run_group_tests_name("plot", tests, NULL, NULL);
}
