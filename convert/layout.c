#include "layout.h"

#include "base/count.h"
#include "base/error.h"

#include <string.h>

static const struct quern_layout *const layouts[] = {&quern_layout_gemma, &quern_layout_bert};

int quern_layout_find(const struct quern_layout **layout, const struct quern_json *config, quern_error *error)
{
    const char *name = json_string_value(json_array_get(json_object_get(config->root, "architectures"), 0));
    for (size_t i = 0; i < QUERN_COUNT(layouts) && name != NULL; i++)
        if (strcmp(layouts[i]->class_name, name) == 0) {
            *layout = layouts[i];
            return QUERN_OK;
        }
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: its architecture is %.60s; quern converts Gemma3TextModel and "
                      "BertModel", config->path, name != NULL ? name : "not named");
}
