/* Errors. Each function of the library that can fail describes its failure by one of these functions. */
#ifndef QUERN_BASE_ERROR_H
#define QUERN_BASE_ERROR_H

#include "quern.h"

/* Writes the code and the formatted line to error, which may be NULL, and returns the code. A line that is too long is
 * cut between two characters. Control characters and invalid UTF-8 are replaced, so that the line may quote names from
 * files that cannot be trusted. */
int quern_fail(quern_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts the path of the file in front of the line in error, and returns code. */
int quern_fail_in(quern_error *error, int code, const char *path);

/* Copies a text from a file that cannot be trusted: as many whole characters as fit into out[size], with a terminator.
 * A '?' replaces each control character and each byte that is not UTF-8. */
void quern_copy_clean(char *out, size_t size, const char *text);

/* Returns from the calling function when expr fails. */
#define QUERN_TRY(expr)                                                                                                \
    do {                                                                                                               \
        int quern_try_code = (expr);                                                                                   \
        if (quern_try_code != QUERN_OK)                                                                                \
            return quern_try_code;                                                                                     \
    } while (0)

#endif
