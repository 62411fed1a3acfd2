/* Finds the known model that a file is. */
#include "known/known.h"

#include "base/count.h"
#include "base/view.h"

#include <ctype.h>
#include <string.h>

enum { MOST_WORDS = 24 };

/* Words behind a name that do not tell one model from another: types of weights, formats. The short ones count as such
 * only behind a type: "q4_k_m". */
static const char *const formats[] = {"gguf", "f32", "f16", "bf16", "fp16", "fp32", "unsloth", "hf", "model"};
static const char *const types[] = {"q2", "q3", "q4", "q5", "q6", "q8", "iq4"};
static const char *const parts_of_types[] = {"k", "s", "m", "l", "xl", "nl", "0", "1"};

struct words {
    quern_text list[MOST_WORDS];
    int count;
};

/* Cuts a name into words of letters and digits. Of a name with '/', the part behind the last one counts. False when it
 * has too many words. */
static bool split(struct words *words, quern_text name)
{
    size_t start = 0;
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] == '/' && i + 1 < name.length)
            start = i + 1;
    words->count = 0;
    for (size_t i = start, begin = start; i <= name.length; i++) {
        if (i < name.length && isalnum((unsigned char)name.data[i]))
            continue;
        if (i > begin && words->count == MOST_WORDS)
            return false;
        if (i > begin)
            words->list[words->count++] = (quern_text){name.data + begin, i - begin};
        begin = i + 1;
    }
    return words->count > 0;
}

static bool is_word(quern_text a, quern_text b)
{
    return a.length == b.length && strncasecmp(a.data, b.data, a.length) == 0;
}

static bool is_one_of(quern_text word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_word(word, quern_text_of(list[i])))
            return true;
    return false;
}

/* Whether all words from the one at `first` on only say how the weights are stored. */
static bool is_storage(const struct words *name, int first)
{
    bool is_typed = false;
    for (int i = first; i < name->count; i++) {
        const quern_text word = name->list[i];
        const bool is_type = is_one_of(word, types, QUERN_COUNT(types));
        if (!is_type && !is_one_of(word, formats, QUERN_COUNT(formats)) &&
            !(is_typed && is_one_of(word, parts_of_types, QUERN_COUNT(parts_of_types))))
            return false;
        is_typed = is_typed || is_type;
    }
    return true;
}

/* Whether a name is that of a model, perhaps with words behind it that say how the weights are stored. */
static bool has_name(const struct quern_known *known, quern_text text)
{
    struct words name, wanted;
    if (!split(&name, text) || !split(&wanted, quern_text_of(known->repository)) || name.count < wanted.count)
        return false;
    for (int i = 0; i < wanted.count; i++)
        if (!is_word(name.list[i], wanted.list[i]))
            return false;
    return is_storage(&name, wanted.count);
}

const struct quern_known *quern_known_named(const char *name)
{
    int count;
    const struct quern_known *all = quern_known_all(&count);
    for (int i = 0; i < count; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

bool quern_known_fits(const struct quern_known *known, const struct quern_known_facts *facts)
{
    return strcmp(known->architecture, facts->architecture) == 0 && known->dimensions == facts->dimensions &&
           known->layers == facts->layers && known->pooling == facts->pooling &&
           (facts->tokenizer.length == 0 || quern_text_is(facts->tokenizer, known->tokenizer));
}

const struct quern_known *quern_known_recognise(const struct quern_known_facts *facts)
{
    int count;
    const struct quern_known *all = quern_known_all(&count), *found = NULL;
    for (int i = 0; i < count; i++) {
        bool is_this = all[i].by_shape;
        for (size_t n = 0; n < QUERN_COUNT(facts->names) && !is_this; n++)
            is_this = has_name(&all[i], facts->names[n]);
        if (!is_this || !quern_known_fits(&all[i], facts))
            continue;
        if (found != NULL)
            return NULL; /* its names contradict each other */
        found = &all[i];
    }
    return found;
}
