#include "pull.h"

#include "base/file_kind.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define MOST_REDIRECTS 8
#define RETRY_PROGRESS (1u << 20) /* bytes after which failures are counted from the first again */

struct download {
    const struct quern_cli_source *source;
    const struct quern_cli_download_options *options;
    struct quern_cli_part part;
    struct quern_cli_progress progress;
    struct quern_cli_response response;
    uint64_t size;                 /* of the file; 0: not known yet */
    char sha256[QUERN_CLI_DIGEST]; /* it must have; "": not known yet */
    const char *url;               /* of the current request */
    bool accepted;                 /* the response is (the rest of) the file */
    bool restart;                  /* the bytes that are there do not fit: request the whole file */
    char reason[QUERN_CLI_REASON];
    bool heard; /* a server has answered */
    int waited; /* seconds so far because servers asked for it */
};

static bool refuse(struct download *download, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(struct download *download, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(download->reason, sizeof download->reason, format, list);
    va_end(list);
    return false;
}

/* Adds to the reason. False, for callers that refuse. */
static bool refuse_also(struct download *download, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse_also(struct download *download, const char *format, ...)
{
    const size_t length = strlen(download->reason);
    va_list list;
    va_start(list, format);
    vsnprintf(download->reason + length, sizeof download->reason - length, format, list);
    va_end(list);
    return false;
}

/* ---------------------------------------------------------------- what the file must be */

static bool agree_size(struct download *download, const char *who, uint64_t size)
{
    if (download->size == 0)
        download->size = size;
    if (download->size == 0)
        return refuse(download, "%s says that the file is empty", who);
    if (download->size == size)
        return true;
    return refuse(download, "%s says that the file has %llu bytes, but it should have %llu", who,
                  (unsigned long long)size, (unsigned long long)download->size);
}

/* Takes size and digest from the hub's response that redirects to the file. */
static bool take_links(struct download *download)
{
    const struct quern_cli_response *response = &download->response;
    if (download->source->hub[0] == '\0' || !quern_cli_url_same_origin(download->url, download->source->hub))
        return true;
    if (response->has_linked_size && !agree_size(download, "the hub", response->linked_size))
        return false;
    if (response->linked_sha256[0] == '\0')
        return true;
    if (download->sha256[0] == '\0')
        strcpy(download->sha256, response->linked_sha256);
    if (strcmp(download->sha256, response->linked_sha256) == 0)
        return true;
    return refuse(download, "the hub has another file there: its SHA-256 is %s, but should be %s",
                  response->linked_sha256, download->sha256);
}

static bool has_room(struct download *download, uint64_t bytes)
{
    struct statvfs disk;
    if (fstatvfs(download->part.descriptor, &disk) != 0)
        return true;
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (left >= bytes)
        return true;
    return refuse(download, "%.1f MB are missing, but the disk of %s has only %.1f MB left", (double)bytes * 1e-6,
                  download->part.target, (double)left * 1e-6);
}

/* Refuses this response, which does not continue the part that is there, and requests the whole file instead. */
static bool want_all(struct download *download)
{
    download->restart = true;
    return refuse(download, "the part that is there belongs to another version of the file");
}

static bool has_range_wanted(struct download *download)
{
    const struct quern_cli_part *part = &download->part;
    if (download->response.first == part->have)
        return true;
    download->restart = part->have > 0;
    return refuse(download, "the server sends the bytes from %llu on, but those from %llu on were requested",
                  (unsigned long long)download->response.first, (unsigned long long)part->have);
}

/* Whether data, with which a file begins, may be that of a model. Pages that ask for a login, errors as JSON and the
 * like come with a status of success, too. */
static bool may_be_model(struct download *download, const void *data, size_t length)
{
    const char *kind = length > 0 ? quern_file_kind(data, length) : NULL;
    if (kind == NULL || strcmp(kind, quern_file_kind("GGUF", 4)) == 0)
        return true;
    return refuse(download, "what the server sends is %s", kind);
}

/* Whether a response is the (rest of the) file, as its head and the beginning of its body say. */
static bool accept_response(struct download *download, int status, const void *data, size_t length)
{
    const struct quern_cli_response *response = &download->response;
    struct quern_cli_part *part = &download->part;
    if ((status == 200 || (response->has_range && response->first == 0)) && !may_be_model(download, data, length))
        return false;
    if (!take_links(download))
        return false;
    if (download->sha256[0] == '\0')
        return refuse(download, "the hub does not say the file's SHA-256; give it with --sha256");
    if (status == 206 ? !response->has_range : !response->has_length)
        return refuse(download, "the server does not say how long the file is");
    if (!agree_size(download, "the server", status == 206 ? response->total : response->length))
        return false;
    if (part->have > 0 && (strcmp(part->record.sha256, download->sha256) != 0 || part->record.size != download->size))
        return want_all(download);
    if (status == 206 && !has_range_wanted(download))
        return false;
    struct quern_cli_record record = {.size = download->size};
    strcpy(record.origin, download->source->origin);
    strcpy(record.sha256, download->sha256);
    strcpy(record.etag, response->etag);
    download->reason[0] = '\0'; /* part.c reports failures itself */
    if (status == 200 && part->have > 0 && quern_cli_part_restart(part) != QUERN_CLI_DONE)
        return false;
    if (!has_room(download, download->size - part->have))
        return false;
    if (quern_cli_part_expect(part, &record) != QUERN_CLI_DONE)
        return false;
    quern_cli_progress_start(&download->progress, false);
    download->progress.skipped = part->have;
    return true;
}

static void take_line(void *context, const char *line, size_t length)
{
    quern_cli_response_line(&((struct download *)context)->response, line, length);
}

static bool take_body(void *context, int status, const void *data, size_t length)
{
    struct download *download = context;
    struct quern_cli_part *part = &download->part;
    if (!download->accepted && !accept_response(download, status, data, length))
        return false;
    download->accepted = true;
    if (length > download->size - part->have)
        return refuse(download, "the server sends more than the %llu bytes of the file",
                      (unsigned long long)download->size);
    if (!quern_cli_part_append(part, data, length))
        return refuse(download, "cannot write to %s: %s", part->path, strerror(errno));
    quern_cli_progress_bytes(&download->progress, part->have, download->size);
    return true;
}

/* ---------------------------------------------------------------- requests */

/* Says what a status other than success means. */
static enum quern_cli_outcome explain(struct download *download, const struct quern_cli_request *request)
{
    const bool from_hub = download->source->hub[0] != '\0';
    switch (request->status) {
    case 401:
        if (request->token != NULL)
            refuse(download, "the hub does not accept the token in HF_TOKEN (401)");
        else
            refuse(download, "the server knows no such file, or wants a login (401)%s",
                   from_hub ? ": check the name, or set HF_TOKEN to a token of the hub" : "");
        return QUERN_CLI_STOP;
    case 403:
        refuse(download, "the server refuses access (403)%s",
               from_hub ? ": accept the model's terms on its page on the hub, and set HF_TOKEN" : "");
        return QUERN_CLI_STOP;
    case 404:
    case 410:
        refuse(download, "there is no such file (%d)", request->status);
        if (download->source->published != NULL && download->source->published->is_inferred)
            refuse_also(download, "; quern has inferred its name: look for the right one at %s/%s, and 'quern pull "
                        "hf:%s/FILE.gguf'", download->source->hub, download->source->published->repository,
                        download->source->published->repository);
        return QUERN_CLI_STOP;
    case 429:
        refuse(download, "the server has received too many requests from this address (429)");
        return QUERN_CLI_AGAIN;
    case 416:
        if (request->from > 0) {
            want_all(download);
            return QUERN_CLI_STOP;
        }
        break;
    default:
        break;
    }
    refuse(download, "the server answers with status %d", request->status);
    return request->status >= 500 || request->status == 408 || request->status == 425 ? QUERN_CLI_AGAIN
                                                                                       : QUERN_CLI_STOP;
}

/* Takes the URL that the response redirects to; false when it must not be followed. */
static bool follow(struct download *download, char url[QUERN_CLI_URL], const struct quern_cli_request *request)
{
    const char *redirect = request->redirect;
    if (request->redirect_length == 0)
        return refuse(download, "the server redirects without saying where");
    if (redirect[0] == '\0')
        return refuse(download, "the server redirects to a URL of %zu bytes; one of more than %d is not followed",
                      request->redirect_length, QUERN_CLI_URL - 1);
    if (!quern_cli_url_allowed(redirect, url))
        return refuse(download, "the server redirects to %.200s, which is not https, and is not followed", redirect);
    strcpy(url, redirect);
    return true;
}

/* Requests the missing rest of the file, and follows redirects. */
static enum quern_cli_outcome fetch(struct download *download)
{
    char url[QUERN_CLI_URL];
    const char *hub = download->source->hub;
    struct quern_cli_part *part = &download->part;
    strcpy(url, download->source->url);
    download->url = url;
    download->accepted = download->restart = false;
    for (int redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
        bool trusted = hub[0] != '\0' && quern_cli_url_same_origin(url, hub);
        static struct quern_cli_request request;
        request = (struct quern_cli_request){
            .url = url, .token = trusted ? download->options->token : NULL, .if_range = part->record.etag,
            .from = part->have, .stall = download->options->stall, .context = download, .line = take_line,
            .body = take_body};
        download->response = (struct quern_cli_response){0};
        enum quern_cli_outcome outcome = quern_cli_transfer(&request, download->reason);
        quern_cli_progress_clear(&download->progress);
        download->heard |= request.status != 0;
        if (outcome != QUERN_CLI_GOT)
            return outcome;
        if (request.status == 200 || request.status == 206) {
            if (!download->accepted && !accept_response(download, request.status, NULL, 0)) /* no body */
                return QUERN_CLI_STOP;
            if (part->have == download->size)
                return QUERN_CLI_GOT;
            refuse(download, "the server sent only %llu of %llu bytes", (unsigned long long)part->have,
                   (unsigned long long)download->size);
            return QUERN_CLI_AGAIN;
        }
        if (request.status < 300 || request.status > 399 || request.status == 304)
            return explain(download, &request);
        if (!take_links(download) || !follow(download, url, &request))
            return QUERN_CLI_STOP;
    }
    refuse(download, "the server redirects more than %d times", MOST_REDIRECTS);
    return QUERN_CLI_STOP;
}

/* How often an attempt may fail. While no server has answered there is probably no network, and that is said soon. */
static int most_failures(const struct download *download)
{
    enum { WITHOUT_ANSWER = 2 };
    const int most = download->options->retries;
    return download->heard || most < WITHOUT_ANSWER ? most : WITHOUT_ANSWER;
}

/* Waits before another attempt: half a second after the first failure, then twice as long each time, or as long as the
 * server asks for. False when servers have asked for more than may be waited in all. */
static bool wait_again(struct download *download, int failures)
{
    double seconds = 0.25 * (double)(1 << (failures < 8 ? failures : 8));
    const int asked = download->response.retry_after;
    if (asked > seconds) {
        if (asked > download->options->wait - download->waited)
            return refuse_also(download, "; it asks to wait for %d s, which is more than is left of %d s (--wait)",
                               asked, download->options->wait);
        download->waited += asked;
        seconds = asked;
    }
    quern_cli_notice("%s; trying again in %.1f s (%d of %d)", download->reason, seconds, failures,
                     most_failures(download));
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&time, &time) != 0 && errno == EINTR)
        ;
    return true;
}

/* Whether another attempt is to be made after a failure, after waiting for its time. */
static bool may_try_again(struct download *download, enum quern_cli_outcome outcome, int failures)
{
    if (outcome != QUERN_CLI_AGAIN)
        return false;
    if (failures > most_failures(download))
        return refuse_also(download, "; given up after %d failure%s in a row", failures, failures == 1 ? "" : "s");
    return wait_again(download, failures);
}

/* Fetches until all bytes are there. An exit code. */
static int fetch_all(struct download *download)
{
    struct quern_cli_part *part = &download->part;
    uint64_t reached = part->have;
    int failures = 0;
    bool restarted = false;
    while (part->have == 0 || part->have != part->record.size) {
        enum quern_cli_outcome outcome = fetch(download);
        if (outcome == QUERN_CLI_GOT)
            break;
        if (download->restart && !restarted) {
            restarted = true;
            if (quern_cli_part_restart(part) != QUERN_CLI_DONE)
                return QUERN_CLI_FAILED;
            continue;
        }
        if (part->have >= reached + RETRY_PROGRESS) { /* there is progress, so this loop ends */
            reached = part->have;
            failures = 0;
        }
        if (part->have > 0)
            part->resumed = true;
        if (!may_try_again(download, outcome, ++failures)) {
            if (download->reason[0] != '\0')
                quern_cli_say("cannot download %s: %s%s", download->source->origin, download->reason,
                              part->have > 0 ? "; the part that has arrived is kept, and the same command continues it"
                                              : "");
            return QUERN_CLI_FAILED;
        }
    }
    return QUERN_CLI_DONE;
}

/* Compares the digest, and gives the file its name. A file from several runs may be a mixture of versions: then, if it
 * may be repeated, it is downloaded once more in one piece. */
static int complete(struct download *download, bool may_repeat, bool *again)
{
    char digest[QUERN_CLI_DIGEST];
    struct quern_cli_part *part = &download->part;
    quern_cli_digest_end(&part->digest, digest);
    *again = false;
    if (strcmp(digest, part->record.sha256) == 0)
        return quern_cli_part_finish(part);
    *again = part->resumed && may_repeat;
    if (*again)
        quern_cli_notice("the parts of the file do not fit together; downloading it again");
    else
        quern_cli_say("%s has SHA-256 %s, but it should be %s: the file is removed", download->source->origin, digest,
                      part->record.sha256);
    return quern_cli_part_restart(part) == QUERN_CLI_DONE && *again ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}

/* Whether a record belongs to the requested file, as far as is known without the hub. */
static bool is_wanted(const struct quern_cli_source *source, const struct quern_cli_record *record)
{
    return source->sha256[0] != '\0' ? strcmp(record->sha256, source->sha256) == 0
                                     : strcmp(record->origin, source->origin) == 0;
}

/* Says whose model it is, and under which terms it may be used. */
static void announce_terms(const struct quern_cli_published *published)
{
    if (published == NULL)
        return;
    const quern_known_info known = quern_cli_published_known(published);
    if (published->terms != NULL)
        quern_cli_notice("%s is %s, provided under the %s: %s", published->name, known.repository, known.license,
                         published->terms);
    else
        quern_cli_notice("%s is %s, provided under the license %s", published->name, known.repository, known.license);
}

/* Downloads the file while its part is locked. */
static int get(struct download *download)
{
    struct quern_cli_part *part = &download->part;
    bool again = false;
    int code = quern_cli_part_resume(part);
    if (code != QUERN_CLI_DONE)
        return code;
    if (!is_wanted(download->source, &part->record)) /* another file of that name, or an older version */
        code = quern_cli_part_restart(part);
    if (part->have > 0)
        quern_cli_notice("continuing after %.1f of %.1f MB", (double)part->have * 1e-6,
                         (double)part->record.size * 1e-6);
    else
        announce_terms(download->source->published);
    bool is_first = true;
    do {
        if (code == QUERN_CLI_DONE)
            code = fetch_all(download);
        if (code == QUERN_CLI_DONE)
            code = complete(download, is_first, &again);
        is_first = false;
    } while (code == QUERN_CLI_DONE && again);
    return code;
}

/* Whether a file is at path already; if it is another one, says so and makes *code a failure. */
static bool is_there(const struct quern_cli_source *source, const char *path, struct quern_cli_record *record,
                     int *code)
{
    struct stat status;
    *code = QUERN_CLI_DONE;
    if (stat(path, &status) != 0)
        return false;
    *code = quern_cli_record_of(record, path, true);
    if (*code == QUERN_CLI_DONE && !is_wanted(source, record)) {
        quern_cli_say("%s is there already, and is another file (%llu bytes, SHA-256 %s): to replace it, first run "
                      "'quern models rm %s'",
                      path, (unsigned long long)record->size, record->sha256, source->file);
        *code = QUERN_CLI_FAILED;
    }
    return true;
}

int quern_cli_download(const struct quern_cli_source *source, const char *path,
                       const struct quern_cli_download_options *options, struct quern_cli_record *record)
{
    static struct download download;
    int code;
    if (is_there(source, path, record, &code))
        return code;
    download = (struct download){.source = source, .options = options, .size = source->size};
    strcpy(download.sha256, source->sha256);
    if (!quern_cli_transfer_ready(download.reason)) {
        quern_cli_say("%s; or save %s as %s by other means", download.reason, source->url, path);
        return QUERN_CLI_FAILED;
    }
    if (quern_cli_part_open(&download.part, path) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    if (!is_there(source, path, record, &code)) { /* the process that had the lock may have finished it */
        code = get(&download);
        *record = download.part.record;
    }
    quern_cli_part_close(&download.part, false);
    return code;
}
