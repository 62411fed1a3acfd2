/* Long texts for tests of truncation and chunks: ordinary ones of many kinds, and hostile ones. */
#ifndef QUERN_TESTS_LONG_TEXTS_H
#define QUERN_TESTS_LONG_TEXTS_H

#include "quern.h"

/* Text number i, made of about `bytes` bytes; its data is NULL when there are no more kinds. The caller frees it. */
quern_text trial_text(int i, size_t bytes);

#endif
