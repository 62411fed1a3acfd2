/* The starter model on sentences written for this test. A paraphrase must be closer than a sentence on another subject
 * with as many common words (counting common words gets 2 triples of 24 right), questions must find their answers, and
 * capitals must change almost nothing.
 * usage: test_quality MODEL */
#include "quern.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRIPLES 24
#define RANKED_RIGHT 18 /* triples at least */
#define ANSWERS 12
#define FOUND_FIRST 10 /* answers at least */
#define FOUND_EARLY 12 /* among the first three */
#define ALIKE 0.99 /* cosine at least of a question and the same in lower case, or as a heading */

static const char *const triples[TRIPLES][3] = {
    {"The boy is riding his bicycle to school.", "A boy cycles to class on his bike.",
     "The teacher is bringing his books to the library."},
    {"She bought a new car yesterday.", "She got herself a new vehicle.", "She wore a new dress yesterday."},
    {"The doctor examined the patient.", "A physician looked at the patient's symptoms.",
     "The lawyer examined the contract."},
    {"It is raining heavily outside.", "There is heavy rain today.", "It is very quiet outside."},
    {"He is cooking dinner for his family.", "He prepares a meal for his wife and children.",
     "He is looking for his keys."},
    {"The company fired two hundred workers.", "Hundreds of employees lost their jobs at the company.",
     "The army fired two hundred rockets."},
    {"A woman is playing the guitar.", "A lady plays a song on her guitar.", "A woman is playing football."},
    {"The train was late because of the snow.", "Snow delayed the railway service.",
     "The soup was cold because of the wait."},
    {"Children are swimming in the lake.", "Some kids swim in the water.", "Children are painting in the classroom."},
    {"The government lowered taxes.", "The state will collect less tax.", "The government opened a museum."},
    {"How can I reset my password?", "I forgot my password and need a new one.", "How can I repair my bicycle?"},
    {"The movie was boring.", "It was a dull film.", "The soup was cold."},
    {"A man is slicing an onion.", "Someone cuts up onions.", "A man is climbing a mountain."},
    {"The bank refused to lend him money.", "The bank did not give him a loan.",
     "The bank of the river is covered with grass."},
    {"Please close the window.", "Shut the windows, please.", "Please read the letter."},
    {"The dog chased the cat up a tree.", "A cat ran from a dog.", "The boy carried the box up a hill."},
    {"Scientists discovered a new planet.", "Astronomers have found another planet.",
     "Scientists asked for a new building."},
    {"The team won the final game.", "The players were the winners of the last match.",
     "The team changed the colour of its shirts."},
    {"Smoking damages your lungs.", "Cigarettes are bad for the lungs.", "Parking damages your lawn."},
    {"The old house burned down last night.", "A fire destroyed the old building.",
     "The old man went to bed early last night."},
    {"They got married in the summer.", "Their wedding was in July.", "They got lost in the forest."},
    {"The phone's battery is empty.", "My phone needs to be charged.", "The hotel's pool is empty."},
    {"He teaches mathematics at a university.", "He is a professor of algebra and geometry.",
     "He eats lunch at a restaurant."},
    {"The police arrested the thief.", "Officers caught the robber.", "The police painted the wall."},
};

static const char *const questions[ANSWERS] = {
    "What do bees make?",
    "Why is the sky blue?",
    "How do I boil an egg?",
    "Where do penguins live?",
    "When should trees be planted?",
    "What is the capital of France?",
    "How does a vaccine protect people?",
    "What causes earthquakes?",
    "How can I save money?",
    "Who wrote plays such as Hamlet?",
    "What is a computer program?",
    "How do airplanes stay in the air?",
};

static const char *const answers[ANSWERS] = {
    "Honey is produced by these insects, which collect nectar from flowers and keep it in a hive.",
    "Air scatters the short waves of sunlight, so this colour reaches the eye from every part of the sky.",
    "Put it into hot water for seven minutes, then cool it and take off the shell.",
    "These birds are found on the coasts of Antarctica and other cold places of the southern half of the Earth.",
    "Autumn is the best season for it, when the soil is moist and the young plants have lost their leaves.",
    "Paris lies on the Seine and is the seat of the French government.",
    "It teaches the immune system to recognise a virus, so that the body can fight a later infection.",
    "Plates of the Earth's crust move against each other, and their stress is released as shaking of the ground.",
    "Write down what you spend, pay your debts first and put a part of your income into an account every month.",
    "Shakespeare was an English poet and dramatist; his tragedies are performed all over the world.",
    "It is a list of instructions that tells a machine what to calculate, written in a language such as C.",
    "The wings push the air down as the plane moves forward, and so lift its weight in flight.",
};

static quern_model *model;
static quern_context *context;
static int width;
static const char *file;

static void embed(const char *const *texts, size_t count, float *vectors)
{
    quern_text views[3 * TRIPLES];
    quern_error error;
    for (size_t i = 0; i < count; i++)
        views[i] = (quern_text){texts[i], strlen(texts[i])};
    if (quern_embed(context, views, count, NULL, vectors, count * (size_t)width, NULL, &error) != QUERN_OK)
        fail_msg("%s", error.text);
}

static float *new_vectors(size_t count)
{
    float *vectors = calloc(count, (size_t)width * sizeof *vectors);
    assert_non_null(vectors);
    return vectors;
}

static void test_paraphrases(void **state)
{
    (void)state;
    float *vectors = new_vectors(3 * TRIPLES);
    int right = 0;
    embed(&triples[0][0], 3 * TRIPLES, vectors);
    for (size_t i = 0; i < TRIPLES; i++) {
        const float *row = vectors + 3 * i * (size_t)width;
        const bool closer = quern_dot(row, row + width, width) > quern_dot(row, row + 2 * width, width);
        right += closer;
        if (!closer)
            print_message("not closer: %s\n", triples[i][1]);
    }
    free(vectors);
    print_message("%d of %d triples\n", right, TRIPLES);
    assert_true(right >= RANKED_RIGHT);
}

static void test_answers(void **state)
{
    (void)state;
    float *asked = new_vectors(ANSWERS), *answered = new_vectors(ANSWERS);
    int first = 0, early = 0;
    embed(questions, ANSWERS, asked);
    embed(answers, ANSWERS, answered);
    for (size_t i = 0; i < ANSWERS; i++) {
        const float *row = asked + i * (size_t)width;
        const double right = quern_dot(row, answered + i * (size_t)width, width);
        int closer = 0;
        for (size_t j = 0; j < ANSWERS; j++)
            closer += quern_dot(row, answered + j * (size_t)width, width) > right;
        first += closer == 0;
        early += closer < 3;
    }
    free(asked);
    free(answered);
    print_message("%d of %d answers first, %d among three\n", first, ANSWERS, early);
    assert_true(first >= FOUND_FIRST);
    assert_true(early >= FOUND_EARLY);
}

/* Copies a text in lower case; with `capitals`, each word begins with a capital. */
static void set_case(char *to, size_t size, const char *text, bool capitals)
{
    size_t i = 0;
    for (; text[i] != '\0' && i + 1 < size; i++) {
        const bool first = i == 0 || text[i - 1] == ' ';
        to[i] = (char)(first && capitals ? toupper((unsigned char)text[i]) : tolower((unsigned char)text[i]));
    }
    to[i] = '\0';
}

static void test_capitals(void **state)
{
    (void)state;
    for (size_t i = 0; i < ANSWERS; i++) {
        char typed[80], heading[80];
        const char *const forms[] = {questions[i], typed, heading};
        float *vectors = new_vectors(3);
        set_case(typed, sizeof typed, questions[i], false);
        set_case(heading, sizeof heading, questions[i], true);
        embed(forms, 3, vectors);
        const double low = quern_dot(vectors, vectors + width, width);
        const double high = quern_dot(vectors, vectors + 2 * (size_t)width, width);
        free(vectors);
        print_message("%.4f %.4f %s\n", low, high, questions[i]);
        assert_true(low >= ALIKE && high >= ALIKE);
    }
}

static int open_model(void **state)
{
    (void)state;
    quern_error error;
    quern_model_info info = {.size = sizeof info};
    if (quern_model_open(&model, file, NULL, &error) != QUERN_OK ||
        quern_context_new(&context, model, NULL, &error) != QUERN_OK ||
        quern_model_describe(model, &info, &error) != QUERN_OK) {
        print_error("%s\n", error.text);
        return -1;
    }
    width = info.dimensions;
    return info.has_prompts; /* the texts go in as they are */
}

static int close_model(void **state)
{
    (void)state;
    quern_context_free(context);
    quern_model_close(model);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paraphrases),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_capitals),
    };
    if (argc != 2)
        return 2;
    file = argv[1];
    return cmocka_run_group_tests(tests, open_model, close_model);
}
