/* What a report writes of others' text: for HTML, for LaTeX, for a shell, and out of gnuplot's
 * SVG. */
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/cells.h"
#include "report/html.h"
#include "report/report.h"
#include "report/svg.h"
#include "report/tables.h"
#include "report/tex.h"
#include "report/web_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef void put(struct text *out, const char *text);

static void assert_put(put *how, const char *text, const char *expected)
{
    struct text out = {0};
    how(&out, text);
    assert_false(out.failed);
    assert_string_equal(out.size == 0 ? "" : out.bytes, expected);
    text_release(&out);
}

static void html_escapes(void **state)
{
    (void)state;
    assert_put(html_put, "", "");
    assert_put(html_put, "<script>alert(\"1\" & '2')</script>",
               "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
    assert_put(html_put, "&amp;", "&amp;amp;"); /* text, not markup */
    assert_put(html_put, "\xce\xb5 = 0.1", "\xce\xb5 = 0.1");
    assert_put(html_put, "a\nb\tc", "a\nb\tc");
}

/* What neither UTF-8 nor XML has stands as one sign each, and nothing else is lost. */
static void html_is_always_valid(void **state)
{
    (void)state;
    assert_put(html_put,
               "a\xff"
               "b",
               "a\xef\xbf\xbd"
               "b");
    assert_put(html_put, "\x01\x1b\x7f", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_put(html_put, "\xef\xbf\xbe", "\xef\xbf\xbd"); /* U+FFFE, which XML forbids */
    assert_put(html_put, "<\xc3", "&lt;\xef\xbf\xbd");
}

static void html_formats_are_text(void **state)
{
    (void)state;
    struct text out = {0};
    html_format(&out, "%s < %d", "a&b", 3);
    assert_string_equal(out.bytes, "a&amp;b &lt; 3");
    text_release(&out);
    assert_put(html_put_id, "a b/\"c\".d_e-1", "a-b--c-.d_e-1");
}

static void tex_escapes(void **state)
{
    (void)state;
    assert_put(tex_put, "50 % of $x_1$ & #2", "50 \\% of \\$x\\_1\\$ \\& \\#2");
    assert_put(tex_put, "\\input{/etc/passwd}", "\\textbackslash{}input\\{/etc/passwd\\}");
    assert_put(tex_put, "~^<|>",
               "\\textasciitilde{}\\textasciicircum{}\\textless{}\\textbar{}"
               "\\textgreater{}");
    assert_put(tex_put, "a -- b", "a -{}-{} b"); /* two hyphens, no dash */
    assert_put(tex_put, "Don't", "Don't");
    assert_put(tex_put_code, "'a b'", "\\textquotesingle{}a b\\textquotesingle{}");
}

/* No character stops LaTeX: what the fonts lack is named. */
static void tex_takes_every_character(void **state)
{
    (void)state;
    assert_put(tex_put, "\xc3\xa9 \xce\xb5", "\xc3\xa9 \\ensuremath{\\varepsilon}");
    assert_put(tex_put, "\xe4\xb8\xad", "[U+4E2D]");
    assert_put(tex_put, "\x01\xff", "[U+0001][U+FFFD]");
    assert_put(tex_put, "a\nb", "a b"); /* no paragraph */
    assert_put(tex_put_label, "a_b c\\d", "a-b-c-d");
}

static void shell_words(void **state)
{
    (void)state;
    assert_put(report_put_word, "figure5", "figure5");
    assert_put(report_put_word, "last_batch=keep,extra_epochs=5", "last_batch=keep,extra_epochs=5");
    assert_put(report_put_word, "my file.exp", "'my file.exp'");
    assert_put(report_put_word, "it's; rm", "'it'\\''s; rm'");
    assert_put(report_put_word, "", "''");
}

static const char gnuplots[] =
    "<?xml version=\"1.0\"?>\n<svg \n width=\"560\" height=\"400\"\n viewBox=\"0 0 560 400\">\n"
    "<title>Gnuplot</title>\n<g id=\"gnuplot_canvas\">\n"
    "<defs><circle id='gpDot' r='0.5'/><use xlink:href='#gpDot' id='gpPt6'/></defs>\n"
    "<path stroke='rgb( 96,  96,  96)' d='M0,0'/><path stroke='rgb(1, 2, 3)' d='M1,1'/>\n"
    "<g id=\"gnuplot_plot_1\" ><title>data using 1:2</title></g>\n"
    "<g id=\"gnuplot_plot_2a\" ><title>data</title>"
    "<g><path stroke='rgb(213,  94,   0)' d='M2,2'/></g></g>\n"
    "<g id=\"gnuplot_plot_3\" ><title>paper</title><path stroke='rgb(160, 160, 160)'/></g>\n"
    "<g filter='url(#textbox)' fill=\"black\"><text>rgb</text></g>\n</g>\n</svg>\n";

static void svg_becomes_part_of_a_page(void **state)
{
    (void)state;
    static const char *const series[] = {"One", "Two & <more>"};
    struct svg_words words = {.id = "f5 a",
                              .title = "A \"title\"",
                              .words = "Seen",
                              .count = 2,
                              .series = series,
                              .reference = "in print"};
    struct err err = {0};
    struct text out = {0};
    assert_int_equal(svg_put(&out, gnuplots, &words, "x.svg", &err), 0);
    assert_int_equal(strncmp(out.bytes, "<svg ", 5), 0);
    assert_non_null(strstr(out.bytes, "viewBox=\"0 0 560 400\" role=\"img\""));
    assert_null(strstr(out.bytes, "width=\"560\""));
    assert_null(strstr(out.bytes, "Gnuplot"));
    assert_non_null(strstr(out.bytes, "<title id=\"f5-a-title\">A &quot;title&quot;</title>"));
    assert_non_null(strstr(out.bytes, "id='f5-a-gpDot'"));
    assert_non_null(strstr(out.bytes, "<use href='#f5-a-gpDot' id='f5-a-gpPt6'/>"));
    assert_non_null(strstr(out.bytes, "url(#f5-a-textbox)"));
    assert_non_null(strstr(out.bytes, "stroke='var(--axis,#606060)'"));
    assert_non_null(strstr(out.bytes, "stroke='#010203'"));
    /* a group that drew nothing, one of the second curve, one that is grey */
    assert_non_null(strstr(out.bytes, "<g></g>"));
    assert_non_null(strstr(out.bytes, "<g class=\"s2\"><title>Two &amp; &lt;more&gt;</title>"
                                      "<g><path stroke='var(--s2,#d55e00)' d='M2,2'/>"));
    assert_non_null(strstr(out.bytes, "<g class=\"printed\"><title>in print</title>"));
    assert_non_null(strstr(out.bytes, "fill=\"currentColor\"><text>rgb</text>"));
    text_release(&out);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    static const char *const others[] = {"", "<svg>", "<svg viewBox=\"0 0 1 1\"></svg>",
                                         "<svg viewBox=\"a\"><g id=\"gnuplot_canvas\"></g></svg>"};
    struct svg_words words = {.id = "a", .title = "b", .words = "c"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct err err = {0};
        struct text out = {0};
        assert_int_equal(svg_put(&out, others[i], &words, "x.svg", &err), ERR_INPUT);
        assert_non_null(strstr(err.text, "x.svg: no SVG"));
        text_release(&out);
    }
}

static void tables_of_text(void **state)
{
    (void)state;
    struct err err = {0};
    struct text out = {0};
    struct table table = {.kind = "verdicts",
                          .title = "A <table>",
                          .columns = 2,
                          .column = {{.head = "Verdict"}, {.head = "N & M", .numeric = 1}}};
    for (int i = 0; i < 50; i++) {
        table_add(&table, "NOT ENOUGH RUNS");
        table_add(&table, "%d < 3", i);
    }
    assert_int_equal(table_check(&table, &err), 0);
    assert_int_equal(table_rows(&table), 50);
    web_table_put(&out, &table);
    assert_non_null(strstr(out.bytes, "<caption>A &lt;table&gt;</caption>"));
    assert_non_null(strstr(out.bytes, "<th scope=\"col\" class=\"number\">N &amp; M</th>"));
    assert_non_null(strstr(
        out.bytes, "<tr><th scope=\"row\"><span class=\"verdict NOT-ENOUGH-RUNS\">NOT "
                   "ENOUGH RUNS</span></th><td data-column=\"N &amp; M\" class=\"number\">49 "
                   "&lt; 3</td></tr>"));
    text_release(&out);
    table_release(&table);
}

static void cells_by_name(void **state)
{
    (void)state;
    static const char table[] = "# a comment\nrun\tx\ty\none\t1\t\ntwo\t2";
    const char *cell;
    size_t length;
    assert_int_equal(cells_at(table, 0, "x", &cell, &length), 1);
    assert_int_equal(strncmp(cell, "1", length), 0);
    assert_int_equal(cells_at(table, 0, "y", &cell, &length), 1);
    assert_int_equal(length, 0);
    assert_int_equal(cells_at(table, 1, "run", &cell, &length), 1);
    assert_int_equal(strncmp(cell, "two", length), 0);
    assert_int_equal(cells_at(table, 1, "y", &cell, &length), 0); /* the line is short */
    assert_int_equal(cells_at(table, 2, "x", &cell, &length), 0);
    assert_int_equal(cells_at(table, 0, "z", &cell, &length), 0);
    assert_int_equal(cells_at("", 0, "z", &cell, &length), 0);
}

static void times(void **state)
{
    (void)state;
    char text[TABLES_TIME];
    assert_string_equal(tables_time(0.44, text), "0.4 s");
    assert_string_equal(tables_time(59.4, text), "59 s");
    assert_string_equal(tables_time(709.35, text), "11 min 49 s");
    assert_string_equal(tables_time(11520, text), "3 h 12 min");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_escapes),
        cmocka_unit_test(html_is_always_valid),
        cmocka_unit_test(html_formats_are_text),
        cmocka_unit_test(tex_escapes),
        cmocka_unit_test(tex_takes_every_character),
        cmocka_unit_test(shell_words),
        cmocka_unit_test(svg_becomes_part_of_a_page),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(tables_of_text),
        cmocka_unit_test(cells_by_name),
        cmocka_unit_test(times),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
