/* Published models that the library knows: how a file of one is recognised, and what the publisher says of it that GGUF
 * files do not. Constant data: known_models.c holds the table. */
#ifndef QUERN_KNOWN_KNOWN_H
#define QUERN_KNOWN_KNOWN_H

#include "arch/arch.h"
#include "quern.h"

#include <stdbool.h>

struct quern_known {
    /* For people. */
    const char *name;       /* short, in lower case: "bge-small" */
    const char *repository; /* of the publisher on the hub, whose last part is the model's full name */
    const char *license;    /* of the weights */
    const char *languages;
    int parameters; /* millions */

    /* How its files are recognised: the shape must fit, and the name too unless the shape says enough. */
    const char *architecture;
    int dimensions, layers;
    enum quern_pooling pooling;
    const char *tokenizer; /* tokenizer.ggml.model */
    bool by_shape;         /* no other published model has this shape */

    /* What the publisher says. */
    int most_tokens;            /* of a text in the publisher's own tool */
    const char *const *prompts; /* [QUERN_ARCH_TASKS], NULL for none; NULL: those of the architecture */
    bool needs_prompts;         /* every text should have one */
    int least_dimensions;       /* vectors may be cut to these or more; 0: the model was not trained for that */
    bool centred_cut;           /* before cutting, the mean of all numbers of a vector is subtracted from each */
};

/* All of them; their number to count. */
const struct quern_known *quern_known_all(int *count);

/* The one with this name, or NULL. */
const struct quern_known *quern_known_named(const char *name);

/* What a file says of itself. */
enum { QUERN_KNOWN_NAMES = 3 };
struct quern_known_facts {
    const char *architecture;
    int dimensions, layers;
    enum quern_pooling pooling;
    quern_text tokenizer; /* "": it does not say */
    quern_text names[QUERN_KNOWN_NAMES]; /* by which it may name its model; "": none */
};

/* Whether a model has the shape that the file has. */
bool quern_known_fits(const struct quern_known *known, const struct quern_known_facts *facts);

/* The model that the file is, by its shape and by a name which is that of the model and nothing else; or NULL. Upper
 * and lower case are the same, what is neither letter nor digit only separates words, of a path or a URL the last part
 * counts, and words behind the name that say how the weights are stored do not. */
const struct quern_known *quern_known_recognise(const struct quern_known_facts *facts);

#endif
