/* The prompts of a model: what stands before a text of a task. */
#ifndef QUERN_API_PROMPTS_H
#define QUERN_API_PROMPTS_H

#include "arch/arch.h"
#include "gguf/gguf.h"
#include "known/known.h"
#include "quern.h"

enum { QUERN_PROMPT_BYTES = 4096 }; /* of a prompt at most */

struct quern_prompts {
    const char *texts[QUERN_ARCH_TASKS]; /* [task]; "" for none */
    char *owned[QUERN_ARCH_TASKS];       /* copies of the prompts in the file; NULL where it has none */
    bool from_file;                      /* the file has prompts, or says that its model takes none */
};

/* Takes for each task the prompt of the file (a key quern.prompt.NAME) or, where the file has none, the prompt of the
 * known model, or else of the architecture. known: NULL for none. A file whose key quern.prompts is "none" has no
 * prompts. Errors: QUERN_EFORMAT, QUERN_EUNSUPPORTED for another value of that key, QUERN_ENOMEM. */
int quern_prompts_read(struct quern_prompts *prompts, const struct quern_arch *arch, const struct quern_known *known,
                       const struct quern_gguf *gguf, quern_error *error);
void quern_prompts_release(struct quern_prompts *prompts); /* zeroed ones are allowed */

/* Whether there is a prompt for any task. */
bool quern_prompts_exist(const struct quern_prompts *prompts);

/* The prompt that options ask for: their own, or that of their task. */
quern_text quern_prompts_of(const struct quern_prompts *prompts, const quern_embed_options *options);

/* Writes what is tokenised as one text, at most QUERN_PROMPT_PARTS parts, and returns their number: the prompt of the
 * options, and last the text. A title takes the place of "none" in a prompt with "title: none"; with any other
 * prompt, the title and a newline stand between the prompt and the text. */
#define QUERN_PROMPT_PARTS 4
size_t quern_prompts_join(const struct quern_prompts *prompts, const quern_embed_options *options, quern_text text,
                          quern_text parts[QUERN_PROMPT_PARTS]);

#endif
