#include "curl_link.h"
#include "pull.h"

#include <stdlib.h>
#include <string.h>

#define MOST_HEAD 65536       /* bytes of the heads of a response that are read */
#define MOST_OTHER_BODY 65536 /* bytes of the body of a response other than the file that are read */
#define CURL_TOO_LARGE 100        /* CURLE_TOO_LARGE, which libcurl has since 8.6 */

static struct quern_curl curl;

bool quern_cli_transfer_ready(char reason[QUERN_CLI_REASON])
{
    return curl.init != NULL || quern_curl_find(&curl, reason, QUERN_CLI_REASON);
}

struct transfer {
    struct quern_cli_request *request;
    CURL *handle;
    size_t head, discarded;   /* bytes so far: of heads, and of other bodies */
    bool stopped;             /* by body */
    bool slow;                /* so it was given up */
    curl_off_t counted;       /* bytes of the body when the time was counted from its start the last time */
    int64_t counted_ns;       /* and when that was */
};

static size_t take_line(char *line, size_t one, size_t length, void *context)
{
    struct transfer *transfer = context;
    (void)one;
    transfer->head += length;
    if (transfer->head > MOST_HEAD)
        return 0;
    transfer->request->line(transfer->request->context, line, length);
    return length;
}

/* Whether nothing but the status of such a response matters. */
static bool is_other(long status)
{
    return status >= 400 || (status > 200 && status < 300 && status != 206);
}

static size_t take_body(char *data, size_t one, size_t length, void *context)
{
    struct transfer *transfer = context;
    struct quern_cli_request *request = transfer->request;
    long status = 0;
    (void)one;
    curl.get(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206) {
        transfer->discarded += length;
        return transfer->discarded <= MOST_OTHER_BODY && !is_other(status) ? length : 0;
    }
    transfer->stopped = !request->body(request->context, (int)status, data, length);
    return transfer->stopped ? 0 : length;
}

/* Ends the transfer when less has come in the time `stall` than the least rate brings. Each time that so much has come,
 * the time begins anew. libcurl calls this at least once a second. Its own limit looks at the last seconds only, so a
 * server that sends a little now and then could go on for ever. */
static int check_rate(void *context, curl_off_t total, curl_off_t got, curl_off_t upload, curl_off_t uploaded)
{
    struct transfer *transfer = context;
    const int stall = transfer->request->stall;
    const int64_t now = quern_cli_now_ns();
    (void)total, (void)upload, (void)uploaded;
    if (got - transfer->counted >= (curl_off_t)stall * QUERN_CLI_LEAST_RATE) {
        transfer->counted = got;
        transfer->counted_ns = now;
    }
    transfer->slow = now - transfer->counted_ns > stall * INT64_C(1000000000);
    return transfer->slow;
}

/* Adds a line to the head of the request. */
static bool add(struct curl_slist **list, const char *name, const char *value)
{
    char line[QUERN_CLI_URL];
    int length = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = length < (int)sizeof line ? curl.append(*list, line) : NULL;
    if (longer != NULL)
        *list = longer;
    return longer != NULL;
}

static bool make_head(struct curl_slist **list, const struct quern_cli_request *request)
{
    char text[QUERN_CLI_URL];
    if (request->token != NULL) {
        int length = snprintf(text, sizeof text, "Bearer %s", request->token);
        if (length >= (int)sizeof text || !add(list, "Authorization", text))
            return false;
    }
    if (request->from == 0)
        return true;
    snprintf(text, sizeof text, "bytes=%llu-", (unsigned long long)request->from);
    return add(list, "Range", text) && (request->if_range[0] == '\0' || add(list, "If-Range", request->if_range));
}

/* The file of certificates to believe, in place of the system's; NULL: none is named. The curl command uses these
 * variables; the library does not by itself. */
static const char *authorities_file(void)
{
    const char *file = getenv("CURL_CA_BUNDLE");
    if (file == NULL || file[0] == '\0')
        file = getenv("SSL_CERT_FILE");
    return file != NULL && file[0] != '\0' ? file : NULL;
}

static void set_up(struct transfer *transfer, struct curl_slist *head, char error[CURL_ERROR_SIZE])
{
    CURL *handle = transfer->handle;
    const struct quern_cli_request *request = transfer->request;
    char agent[64];
    snprintf(agent, sizeof agent, "quern/%s", quern_version());
    curl.set(handle, CURLOPT_URL, request->url);
    curl.set(handle, CURLOPT_PROTOCOLS_STR, "http,https"); /* http to this machine only, as was checked */
    curl.set(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl.set(handle, CURLOPT_USERAGENT, agent);
    curl.set(handle, CURLOPT_HTTPHEADER, head);
    curl.set(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl.set(handle, CURLOPT_CONNECTTIMEOUT, (long)request->stall);
    curl.set(handle, CURLOPT_NOPROGRESS, 0L);
    curl.set(handle, CURLOPT_XFERINFOFUNCTION, check_rate);
    curl.set(handle, CURLOPT_XFERINFODATA, transfer);
    curl.set(handle, CURLOPT_HEADERFUNCTION, take_line);
    curl.set(handle, CURLOPT_HEADERDATA, transfer);
    curl.set(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl.set(handle, CURLOPT_WRITEDATA, transfer);
    curl.set(handle, CURLOPT_ERRORBUFFER, error);
    /* Only Windows asks an authority whether it has revoked a certificate. One that is not reached is no refusal. */
    curl.set(handle, CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_REVOKE_BEST_EFFORT);
    if (authorities_file() != NULL)
        curl.set(handle, CURLOPT_CAINFO, authorities_file());
}

/* Whether the failure may pass, so that another attempt makes sense. */
static bool is_passing(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return true;
    default:
        return false;
    }
}

/* Says why a transfer failed, unless body has said it. */
static enum quern_cli_outcome say_failure(const struct transfer *transfer, CURLcode code, const char *error,
                                          char reason[QUERN_CLI_REASON])
{
    long sent = 0; /* bytes of the request */
    curl.get(transfer->handle, CURLINFO_REQUEST_SIZE, &sent);
    if (transfer->stopped)
        return QUERN_CLI_STOP;
    if (transfer->slow) {
        snprintf(reason, QUERN_CLI_REASON, "in %d s less than %d KiB arrived", transfer->request->stall,
                 transfer->request->stall * QUERN_CLI_LEAST_RATE / 1024);
        return QUERN_CLI_AGAIN;
    }
    /* libcurl calls a line that is longer than it takes a lack of memory. */
    if (transfer->head > MOST_HEAD || (sent > 0 && (code == CURLE_OUT_OF_MEMORY || (int)code == CURL_TOO_LARGE)))
        snprintf(reason, QUERN_CLI_REASON, "the head of the server's response has more than %d KiB", MOST_HEAD / 1024);
    else if (transfer->discarded > MOST_OTHER_BODY)
        snprintf(reason, QUERN_CLI_REASON, "the server sends a redirect with more than %d KiB of text",
                 MOST_OTHER_BODY / 1024);
    else if (code == CURLE_SSL_CACERT_BADFILE && authorities_file() != NULL)
        snprintf(reason, QUERN_CLI_REASON, "the certificates in %.200s, which CURL_CA_BUNDLE or else SSL_CERT_FILE "
                 "names, cannot be read", authorities_file());
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        snprintf(reason, QUERN_CLI_REASON, "the server's certificate is not accepted: %.300s (a file of certificates "
                 "that are may be named in CURL_CA_BUNDLE)", error);
    else
        snprintf(reason, QUERN_CLI_REASON, "%s", error[0] != '\0' ? error : curl.describe(code));
    return is_passing(code) ? QUERN_CLI_AGAIN : QUERN_CLI_STOP;
}

static enum quern_cli_outcome perform(struct transfer *transfer, char reason[QUERN_CLI_REASON])
{
    char error[CURL_ERROR_SIZE] = "", *redirect = NULL;
    struct quern_cli_request *request = transfer->request;
    struct curl_slist *head = NULL;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    long status = 0;
    if (make_head(&head, request)) {
        set_up(transfer, head, error);
        transfer->counted_ns = quern_cli_now_ns();
        code = curl.perform(transfer->handle);
        curl.get(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
        curl.get(transfer->handle, CURLINFO_REDIRECT_URL, &redirect);
    }
    curl.free_list(head);
    request->status = (int)status;
    request->redirect_length = redirect != NULL ? strlen(redirect) : 0;
    if (redirect != NULL && request->redirect_length < sizeof request->redirect)
        strcpy(request->redirect, redirect);
    return code == CURLE_OK || is_other(status) ? QUERN_CLI_GOT : say_failure(transfer, code, error, reason);
}

enum quern_cli_outcome quern_cli_transfer(struct quern_cli_request *request, char reason[QUERN_CLI_REASON])
{
    struct transfer transfer = {.request = request};
    request->status = 0;
    request->redirect[0] = '\0';
    request->redirect_length = 0;
    if (!quern_cli_transfer_ready(reason))
        return QUERN_CLI_STOP;
    transfer.handle = curl.init();
    if (transfer.handle == NULL) {
        snprintf(reason, QUERN_CLI_REASON, "libcurl cannot be set up");
        return QUERN_CLI_STOP;
    }
    enum quern_cli_outcome outcome = perform(&transfer, reason);
    curl.cleanup(transfer.handle);
    return outcome;
}
