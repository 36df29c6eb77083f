#include "draw/panel.h"

#include "base/err.h"
#include "base/mem.h"
#include "draw/page.h"

#include <math.h>
#include <string.h>

#define SOON 0.1 /* of the panel: a run that is over by then is seen by a closer look alone */

double panel_closer(const double *updates, size_t count)
{
    double longest = 0.0, soon = 0.0;
    for (size_t i = 0; i < count; i++)
        longest = fmax(longest, updates[i]);
    for (size_t i = 0; i < count; i++)
        if (updates[i] < SOON * longest)
            soon = fmax(soon, updates[i]);
    return 1.03 * soon;
}

int panel_draw(const struct plot_request *request, size_t panel, enum panel_view view,
               double closer_to, const char *format, const char *path, struct err *err)
{
    static const char *const views[] = {"runs", "paper"};
    const char *slash = strrchr(request->script, '/');
    int folder = slash == NULL ? 0 : (int)(slash - request->script + 1);
    char *table = NULL, *variables = NULL, *all = NULL;
    char *script = mem_format(err, "%.*spanel.gp", folder, request->script);
    char *terminal = mem_format(err, "panel-%s", format);
    int code = script == NULL || terminal == NULL ? ERR_MEMORY
                                                  : plot_texts(request, &table, &variables, err);
    if (code == 0) {
        all = mem_format(err, "%spanel = %zu; view = '%s'; closer_to = %.9g; ", variables,
                         panel + 1, views[view], closer_to);
        code = all == NULL ? ERR_MEMORY : 0;
    }
    if (code == 0) {
        struct page page = {.script = script,
                            .stem = request->stem,
                            .title = "",
                            .caption = "",
                            .table = table,
                            .variables = all};
        code = page_picture(&page, terminal, path, err);
    }
    mem_free(table);
    mem_free(variables);
    mem_free(all);
    mem_free(script);
    mem_free(terminal);
    return code;
}
