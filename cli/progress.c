#include "cli.h"

#include <time.h>
#include <unistd.h>

#define INTERVAL_NS 200000000
#define BAR 30 /* columns */

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void quern_cli_progress_start(struct quern_cli_progress *progress, bool data_on_stdout)
{
    *progress = (struct quern_cli_progress){.start_ns = now_ns()};
    progress->shown = isatty(STDERR_FILENO) && !(data_on_stdout && isatty(STDOUT_FILENO));
    progress->last_ns = progress->start_ns;
}

static void put_bytes(const struct quern_cli_progress *progress, uint64_t given, uint64_t total, double seconds)
{
    int filled = total > 0 && given <= total ? (int)((double)given / (double)total * BAR) : 0;
    fprintf(stderr, "\r%s [%.*s%*s] %.1f of %.1f MB, %.1f MB/s", progress->verb, filled,
            "##############################", BAR - filled, "", (double)given * 1e-6, (double)total * 1e-6,
            (double)(given - progress->skipped) * 1e-6 / seconds);
}

void quern_cli_progress_update(struct quern_cli_progress *progress, uint64_t given, uint64_t total)
{
    int64_t now = now_ns();
    if (!progress->shown || now - progress->last_ns < INTERVAL_NS)
        return;
    progress->last_ns = now;
    double seconds = (double)(now - progress->start_ns) * 1e-9;
    if (progress->verb != NULL)
        put_bytes(progress, given, total, seconds);
    else
        fprintf(stderr, "\r%llu texts, %.1f texts/s, %.0f tokens/s", (unsigned long long)progress->texts,
                (double)progress->texts / seconds, (double)progress->tokens / seconds);
    if (total > 0 && given > progress->skipped && given <= total) {
        double rate = (double)(given - progress->skipped) / seconds;
        long left = (long)((double)(total - given) / rate + 0.5);
        fprintf(stderr, ", %.0f %%, %ld:%02ld:%02ld left", (double)given / (double)total * 100, left / 3600,
                left / 60 % 60, left % 60);
    }
    fputs("\x1b[K", stderr);
}

void quern_cli_progress_clear(struct quern_cli_progress *progress)
{
    if (progress->shown)
        fputs("\r\x1b[K", stderr);
    progress->shown = false;
}
