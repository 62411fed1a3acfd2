/* Prints the vector of a text: open a model, make a context, embed.
 *
 * usage: embed MODEL TEXT */
#include <quern.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Embeds one text and prints its vector. Returns a code of quern.h. */
static int print_vector(quern_model *model, const char *string, quern_error *error)
{
    quern_model_info info = {.size = sizeof info};
    int code = quern_model_describe(model, &info, error);
    if (code != QUERN_OK)
        return code;

    /* A prompt tells the model what a text is for. Models without prompts take texts as they are. */
    const quern_embed_options options = {
        .size = sizeof options,
        .task = info.has_prompts ? QUERN_TASK_DOCUMENT : QUERN_TASK_NONE,
        .flags = QUERN_TRUNCATE,
    };
    const quern_text text = {string, strlen(string)};
    quern_result result;
    quern_context *context = NULL;
    float *vector = malloc((size_t)info.dimensions * sizeof *vector);
    if (vector == NULL) {
        snprintf(error->text, sizeof error->text, "no memory for a vector");
        return QUERN_ENOMEM;
    }

    code = quern_context_new(&context, model, NULL, error);
    if (code == QUERN_OK)
        code = quern_embed(context, &text, 1, &options, vector, (size_t)info.dimensions, &result, error);
    if (code == QUERN_OK) {
        printf("%u tokens, %d dimensions:", (unsigned)result.tokens, info.dimensions);
        for (int i = 0; i < info.dimensions; i++)
            printf(" %.3f", vector[i]);
        printf("\n");
    }
    quern_context_free(context);
    free(vector);
    return code;
}

int main(int argc, char **argv)
{
    quern_error error;
    quern_model *model;
    if (argc != 3) {
        fprintf(stderr, "usage: embed MODEL TEXT\n");
        return 2;
    }
    if (quern_model_open(&model, argv[1], NULL, &error) != QUERN_OK) {
        fprintf(stderr, "embed: %s\n", error.text);
        return 1;
    }
    const int code = print_vector(model, argv[2], &error);
    if (code != QUERN_OK)
        fprintf(stderr, "embed: %s\n", error.text);
    quern_model_close(model);
    return code == QUERN_OK ? 0 : 1;
}
