/* Leading numbers of vectors of models, to tell whether a file is the real one and is computed correctly. */
#include "verify.h"

#include <string.h>

#define STARTER "starter"
#define STARTER_NAME "quern starter" /* as its file has it */

/* A cosine passes that is at least this. Rounding to 8 bits gives 0.9999; a few numbers vary more than whole vectors.
 * Types of fewer bits round more. */
#define PASS 0.9985
#define PASS_COARSE 0.95

enum { STARTER_DIMENSIONS = 448, MOST_DIMENSIONS = 4096, MOST_NUMBERS = 32 };

/* Numbers of whole vectors, scaled to 16 bits; only their direction is used. Those of embeddinggemma2 were computed in
 * float32 by sentence-transformers 6.1.0, those of minilm by text-embeddings-inference, those of the starter model by
 * the exact path. */
static const struct leading {
    const char *model; /* of quern_known_info, or STARTER */
    const char *text;
    int task;
    uint32_t tokens;
    int count;
    int16_t numbers[MOST_NUMBERS];
} stored[] = {
    {STARTER, "how do plants drink", QUERN_TASK_NONE, 6, 16,
     {-13235, -15796, -1446, 790, 21233, 19477, -27829, 11061, 6945, -12266, 13660, 32767, -6877, -8494, -6748, -7066}},
    {STARTER, "The cat sleeps on the sofa.", QUERN_TASK_NONE, 11, 16,
     {-11403, -21355, 5494, 18131, 1914, -18304, -7380, -5641, -32767, -18945, -9484, -7404, 12972, -15896, 28653,
      14553}},
    {STARTER, "Prices rose by 3.5 % in 2024, said the bank.", QUERN_TASK_NONE, 22, 16,
     {32767, -26509, -24604, -1103, 28620, -14334, 3163, 20936, -3255, -6379, 24968, -8475, -6954, -12985, 3823, 3323}},
    {"embeddinggemma2", "How the pieces fit", QUERN_TASK_QUERY, 13, 32,
     {736, 1130, 4857, -6971, -1367, 319, 5063, -2380, 5627, -13001, -2130, -3740, -1393, 5359, -2428, 1467,
      12705, -6961, 130, 4413, 259, -4019, -439, 423, -7145, -4566, 11468, -5365, -5876, 32767, -3714, -763}},
    {"embeddinggemma2", "What causes the northern lights?", QUERN_TASK_NONE, 8, 32,
     {-83, -1437, 6077, -1465, -3356, -254, -2645, -1656, 5060, -19813, -512, -4265, -9565, 3437, -6096, 903,
      7313, -647, 8052, 830, -2357, -6337, -1834, 6632, -1652, 58, -1065, -749, -1082, 32767, -2255, -5529}},
    {"embeddinggemma2", "fn main() { println!(\"hello world\"); }", QUERN_TASK_NONE, 12, 32,
     {-6053, -1795, 6578, -632, -3000, 2306, 286, -1791, 2232, -16328, -4672, 3065, -2614, -1959, 7091, 2384,
      5126, -7015, 7834, -5091, -9907, -1528, -2508, 2881, -5944, 2324, -981, -3062, 205, 32767, -143, 3937}},
    {"embeddinggemma2", "Bonjour, comment allez-vous aujourd'hui ?", QUERN_TASK_NONE, 12, 32,
     {-2003, -1266, -55, -4226, 511, 4573, -93, 1798, 3895, -17914, -2157, -2413, -1014, -4226, 4195, -6311,
      5113, -4130, 4887, -4530, -5813, 2112, -2091, 4461, -161, 1987, 7292, -2520, -2018, 32767, -2933, -1130}},
    {"minilm", "What is Deep Learning?", QUERN_TASK_NONE, 7, 4,
     {-1468, -32767, 11125, -9116}},
};

const char *quern_cli_leading_model(const quern_model_info *info)
{
    if (strcmp(info->name, STARTER_NAME) == 0 && info->dimensions == STARTER_DIMENSIONS)
        return STARTER;
    for (size_t i = 0; i < QUERN_COUNT(stored) && info->known != NULL; i++)
        if (strcmp(stored[i].model, info->known) == 0 && info->dimensions <= MOST_DIMENSIONS)
            return stored[i].model;
    return NULL;
}

/* Compares one text on one path; prints the cosine. */
static bool check(quern_context *context, const struct leading *leading, double pass)
{
    static float vector[MOST_DIMENSIONS];
    const quern_text text = {leading->text, strlen(leading->text)};
    const quern_embed_options options = {.size = sizeof options, .task = leading->task};
    float copy[MOST_NUMBERS];
    quern_result result = {0};
    quern_error error;
    for (int d = 0; d < leading->count; d++)
        copy[d] = leading->numbers[d];
    if (quern_embed(context, &text, 1, &options, vector, MOST_DIMENSIONS, &result, &error) != QUERN_OK) {
        quern_cli_fail(NULL, &error);
        return false;
    }
    const double cosine = quern_cosine(vector, copy, leading->count);
    const bool passed = result.tokens == leading->tokens && cosine >= pass;
    printf("  %8.6f%s", cosine, passed ? "" : result.tokens != leading->tokens ? "  other tokens" : "  differs");
    return passed;
}

int quern_cli_verify_leading(const struct quern_cli_session *session, const char *model, quern_context *exact)
{
    const double pass = quern_cli_is_coarse(session->info.types) ? PASS_COARSE : PASS;
    const bool starter = strcmp(model, STARTER) == 0;
    bool passed = true;
    printf("cosine with the leading numbers of the real model's vectors\n%-44s  %8s  %8s\n", "", "exact",
           session->context_info.activations);
    for (size_t i = 0; i < QUERN_COUNT(stored); i++) {
        if (strcmp(stored[i].model, model) != 0)
            continue;
        printf("%-44s", stored[i].text);
        passed &= check(exact, &stored[i], pass);
        passed &= check(session->context, &stored[i], pass);
        putchar('\n');
    }
    const char *name = starter ? "quern's starter model, which is for trials" : model;
    if (passed)
        printf("verdict: this is %s, and this build computes its vectors\n", name);
    else
        printf("verdict: this is not %s, or this build computes it wrongly\n",
               starter ? "quern's starter model" : model);
    return passed ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}
