#include "cli.h"

#include <time.h>
#include <unistd.h>

#define INTERVAL_NS 200000000
#define BAR "##############################"

int64_t quern_cli_now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void quern_cli_progress_start(struct quern_cli_progress *progress, bool data_on_stdout)
{
    *progress = (struct quern_cli_progress){.start_ns = quern_cli_now_ns()};
    progress->shown = !quern_cli_quiet && quern_cli_is_terminal(STDERR_FILENO) &&
                      !(data_on_stdout && isatty(STDOUT_FILENO));
    progress->last_ns = progress->start_ns;
}

/* Whether the line should be written again. *seconds: since the start. */
static bool is_due(struct quern_cli_progress *progress, double *seconds)
{
    int64_t now = quern_cli_now_ns();
    if (!progress->shown || now - progress->last_ns < INTERVAL_NS)
        return false;
    progress->last_ns = now;
    *seconds = (double)(now - progress->start_ns) * 1e-9;
    return true;
}

/* Writes the end of the line: how much is done, and how long the rest will take. */
static void put_rest(const struct quern_cli_progress *progress, uint64_t done, uint64_t total, double seconds)
{
    if (done > progress->skipped && done <= total) {
        double rate = (double)(done - progress->skipped) / seconds;
        long left = (long)((double)(total - done) / rate + 0.5);
        fprintf(stderr, ", %.0f %%, %ld:%02ld:%02ld left", (double)done / (double)total * 100, left / 3600,
                left / 60 % 60, left % 60);
    }
    fputs("\x1b[K", stderr);
}

void quern_cli_progress_texts(struct quern_cli_progress *progress, const struct quern_jobs_progress *job)
{
    double seconds;
    if (!is_due(progress, &seconds))
        return;
    fprintf(stderr, "\r%llu texts, %.1f texts/s, %.0f tokens/s", (unsigned long long)job->texts,
            (double)job->texts / seconds, (double)job->tokens / seconds);
    put_rest(progress, job->done, job->total, seconds);
}

void quern_cli_progress_bytes(struct quern_cli_progress *progress, uint64_t done, uint64_t total)
{
    double seconds;
    if (!is_due(progress, &seconds))
        return;
    const int width = sizeof BAR - 1;
    int filled = done < total ? (int)((double)done / (double)total * width) : width;
    fprintf(stderr, "\r[%.*s%*s] %.0f of %.0f MB, %.1f MB/s", filled, BAR, width - filled, "", (double)done * 1e-6,
            (double)total * 1e-6, (double)(done - progress->skipped) * 1e-6 / seconds);
    put_rest(progress, done, total, seconds);
}

void quern_cli_progress_rows(struct quern_cli_progress *progress, uint64_t done, uint64_t total)
{
    double seconds;
    if (!is_due(progress, &seconds))
        return;
    fprintf(stderr, "\r%llu of %llu, %.0f/s", (unsigned long long)done, (unsigned long long)total,
            (double)done / seconds);
    put_rest(progress, done, total, seconds);
}

void quern_cli_progress_clear(struct quern_cli_progress *progress)
{
    if (progress->shown)
        fputs("\r\x1b[K", stderr);
    progress->shown = false;
}
