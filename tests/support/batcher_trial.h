/* What tests of the server's batcher share: a batcher, requests, and a clock. A failure fails the test that runs. */
#ifndef QUERN_TESTS_BATCHER_TRIAL_H
#define QUERN_TESTS_BATCHER_TRIAL_H

#include "../../server/steps/batcher.h"

#define TRIAL_BUDGET 100
#define TRIAL_MOST 10000
#define TRIAL_LONGEST 1000 /* most tokens of a text */

extern struct quern_batcher trial_batcher;
extern const int32_t trial_zeros[TRIAL_LONGEST];
extern int64_t trial_time_ns; /* what the batcher's clock says after trial_setup_clock */

/* A request of count texts of so many tokens each. */
struct trial_asked {
    struct quern_job job;
    quern_tokens texts[2048];
    size_t wanted[2048];
    float vectors[2048];
};

/* Makes the job of a request, whose texts are set; all of them are wanted. */
void trial_make_job(struct trial_asked *asked, size_t count);

/* Makes a request; trial_submit also queues it. */
void trial_ask(struct trial_asked *asked, size_t count, size_t tokens);
void trial_submit(struct trial_asked *asked, size_t count, size_t tokens);

/* Whether a step has a text of a request. */
bool trial_has(const struct quern_step *step, const struct trial_asked *asked);

/* Gives a step back, of which all texts were computed. */
void trial_finish(const struct quern_step *step);

/* Set-up and tear-down of a test. trial_setup_clock: with the clock of the tests, and no time for urgent steps yet. */
int trial_setup(void **state);
int trial_setup_clock(void **state);
int trial_teardown(void **state);

#endif
