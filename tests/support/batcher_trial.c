#include "batcher_trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct quern_batcher trial_batcher;
const int32_t trial_zeros[TRIAL_LONGEST];
int64_t trial_time_ns;

static int64_t get_time(void)
{
    return trial_time_ns;
}

void trial_make_job(struct trial_asked *asked, size_t count)
{
    for (size_t i = 0; i < count; i++)
        asked->wanted[i] = i;
    asked->job = (struct quern_job){.texts = asked->texts, .vectors = asked->vectors, .count = count,
                                    .wanted = asked->wanted, .wanted_count = count};
}

void trial_ask(struct trial_asked *asked, size_t count, size_t tokens)
{
    for (size_t i = 0; i < count; i++)
        asked->texts[i] = (quern_tokens){trial_zeros, tokens};
    trial_make_job(asked, count);
}

void trial_submit(struct trial_asked *asked, size_t count, size_t tokens)
{
    trial_ask(asked, count, tokens);
    assert_true(quern_batcher_submit(&trial_batcher, &asked->job));
}

bool trial_has(const struct quern_step *step, const struct trial_asked *asked)
{
    for (size_t i = 0; i < step->count; i++)
        if (step->jobs[i] == &asked->job)
            return true;
    return false;
}

void trial_finish(const struct quern_step *step)
{
    quern_result results[QUERN_STEP_TEXTS] = {{0}};
    quern_batcher_finish(&trial_batcher, step, results);
}

int trial_setup(void **state)
{
    (void)state;
    return quern_batcher_init(&trial_batcher, TRIAL_BUDGET, TRIAL_MOST);
}

int trial_setup_clock(void **state)
{
    trial_time_ns = 1000;
    const int code = trial_setup(state);
    trial_batcher.now_ns = get_time;
    trial_batcher.account_ns = 0;
    trial_batcher.account_at_ns = trial_time_ns;
    return code;
}

int trial_teardown(void **state)
{
    (void)state;
    quern_batcher_free(&trial_batcher);
    return 0;
}
