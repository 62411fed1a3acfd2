#include "verify.h"

#include <string.h>

#define STARTER_NAME "quern starter" /* as its file has it */
#define PASS_STARTER 0.9995  /* cosine on both paths; rounding gives 0.99999 */

enum { STARTER_DIMENSIONS = 448, STORED = 16 };

/* The leading numbers of whole vectors, scaled to 16 bits, by the exact path. */
static const struct {
    const char *text;
    uint32_t tokens;
    int16_t vector[STORED];
} stored[] = {
    {"how do plants drink", 6,
     {-13235, -15796, -1446, 790, 21233, 19477, -27829, 11061, 6945, -12266, 13660, 32767, -6877, -8494, -6748, -7066}},
    {"The cat sleeps on the sofa.", 11,
     {-11403, -21355, 5494, 18131, 1914, -18304, -7380, -5641, -32767, -18945, -9484, -7404, 12972, -15896, 28653,
      14553}},
    {"Prices rose by 3.5 % in 2024, said the bank.", 22,
     {32767, -26509, -24604, -1103, 28620, -14334, 3163, 20936, -3255, -6379, 24968, -8475, -6954, -12985, 3823, 3323}},
};

bool quern_cli_is_starter(const quern_model_info *info)
{
    return strcmp(info->name, STARTER_NAME) == 0 && info->dimensions == STARTER_DIMENSIONS;
}

/* Compares one text on one path; prints the cosine. */
static bool check(quern_context *context, size_t i)
{
    const quern_text text = {stored[i].text, strlen(stored[i].text)};
    float vector[STARTER_DIMENSIONS], copy[STORED];
    quern_result result = {0};
    quern_error error;
    for (int d = 0; d < STORED; d++)
        copy[d] = stored[i].vector[d];
    if (quern_embed(context, &text, 1, NULL, vector, STARTER_DIMENSIONS, &result, &error) != QUERN_OK) {
        quern_cli_fail(NULL, &error);
        return false;
    }
    const double cosine = quern_cosine(vector, copy, STORED);
    const bool passed = result.tokens == stored[i].tokens && cosine >= PASS_STARTER;
    printf("  %8.6f%s", cosine, passed ? "" : "  differs");
    return passed;
}

int quern_cli_verify_starter(const struct quern_cli_session *session, quern_context *exact)
{
    bool passed = true;
    printf("cosine with the starter model's vectors\n%-44s  %8s  %8s\n", "", "exact",
           session->context_info.activations);
    for (size_t i = 0; i < QUERN_COUNT(stored); i++) {
        printf("%-44s", stored[i].text);
        passed &= check(exact, i);
        passed &= check(session->context, i);
        putchar('\n');
    }
    puts(passed ? "verdict: this is quern's starter model, which is for trials, and this build computes its vectors"
                : "verdict: this is not quern's starter model, or this build computes it wrongly");
    return passed ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}
