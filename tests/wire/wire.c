/* Tests a running server over plain sockets: correct answers, hostile requests, load. */
#include "base/count.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "Usage: wire cases ADDRESS FILE...      requests and the answers they should get; speaks TAP\n"
    "       wire hostile ADDRESS [OPTION]   requests that must be refused\n"
    "       wire load ADDRESS [OPTION]      many clients, good ones and faulty ones\n"
    "\n"
    "ADDRESS is HOST:PORT or unix:PATH.\n"
    "\n"
    "hostile: --count N   requests (10000)    --seed N   another seed, other requests (1)\n"
    "         --jobs N    at a time (16)      --show     print each request that was answered wrongly\n"
    "\n"
    "load:    --clients N  (8)    --seconds N  (5)   --texts N  in a request (1)   --words N  of a text (10)\n"
    "         --requests N    different ones, whose vectors are learnt in a quiet pass first (32)\n"
    "         --faults N      percent of requests that break off, dawdle or read slowly (0)\n"
    "         --retry N       seconds to try again when the server is away or full (0)\n"
    "         --pid N         the server's: tell its anonymous memory before and after\n"
    "         --model NAME    as the server wants it      --key KEY   for Authorization\n"
    "         --path PATH     (/v1/embeddings)            --seed N    (1)\n"
    "         --no-check      do not compare vectors, as with servers whose vectors vary\n"
    "         --json          print JSON\n";

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int, char **);
    } verbs[] = {{"cases", quern_wire_cases}, {"hostile", quern_wire_hostile}, {"load", quern_wire_load}};
    int status = 2;
    for (size_t i = 0; argc > 2 && i < QUERN_COUNT(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            status = verbs[i].run(argc - 1, argv + 1);
    if (status == 2)
        fputs(usage, stderr);
    return status;
}
