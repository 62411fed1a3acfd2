#include "pull.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define NAME_CHARACTERS LETTERS DIGITS "._-"

/* ---------------------------------------------------------------- URLs */

struct authority {
    bool secure;
    const char *text; /* host and port */
    size_t length, host_length;
};

/* Stricter than RFC 3986: no user and no escapes in the host, so that every program reads the same host. */
static bool split(const char *url, struct authority *authority)
{
    authority->secure = strncasecmp(url, "https://", 8) == 0;
    if (!authority->secure && strncasecmp(url, "http://", 7) != 0)
        return false;
    const char *host = url + (authority->secure ? 8 : 7);
    size_t length = strcspn(host, "/?#"), host_length;
    if (host[0] == '[') {
        host_length = 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
        if (host_length == 1 || host[host_length++] != ']')
            return false;
    } else {
        host_length = strspn(host, LETTERS DIGITS ".-");
        if (host_length == 0)
            return false;
    }
    if (host_length < length) { /* a port */
        size_t digits = strspn(host + host_length + 1, DIGITS);
        if (host[host_length] != ':' || digits == 0 || digits > 5 || host_length + 1 + digits != length)
            return false;
    }
    authority->text = host;
    authority->length = length;
    authority->host_length = host_length;
    return true;
}

/* Whether the host can only be this machine. */
static bool is_loopback(const struct authority *authority)
{
    static const char localhost[] = "localhost", six[] = "[::1]";
    const char *host = authority->text;
    size_t length = authority->host_length;
    if (length == strlen(localhost))
        if (strncasecmp(host, localhost, length) == 0)
            return true;
    if (length == strlen(six) && memcmp(host, six, length) == 0)
        return true;
    int dots = 0;
    for (size_t i = 0; i < length; i++) {
        dots += host[i] == '.';
        if (strchr(DIGITS ".", host[i]) == NULL || (host[i] == '.' && (i + 1 == length || host[i + 1] == '.')))
            return false;
    }
    return dots == 3 && strncmp(host, "127.", 4) == 0;
}

static bool is_url_text(const char *url)
{
    size_t length = strlen(url);
    for (size_t i = 0; i < length; i++)
        if (url[i] < 0x21 || url[i] > 0x7e || strchr("\\\"<>^`{}", url[i]) != NULL)
            return false;
    return length < QUERN_CLI_URL;
}

bool quern_cli_url_allowed(const char *url, const char *from)
{
    struct authority authority, before;
    if (!is_url_text(url) || !split(url, &authority))
        return false;
    return authority.secure || (is_loopback(&authority) && (from == NULL || (split(from, &before) && !before.secure)));
}

bool quern_cli_url_same_origin(const char *a, const char *b)
{
    struct authority first, second;
    return split(a, &first) && split(b, &second) && first.secure == second.secure && first.length == second.length &&
           strncasecmp(first.text, second.text, first.length) == 0;
}

/* ---------------------------------------------------------------- names */

bool quern_cli_is_model_file(const char *name)
{
    size_t length = strlen(name);
    return length > 5 && length < QUERN_CLI_FILE && name[0] != '.' && strspn(name, NAME_CHARACTERS) == length &&
           strcmp(name + length - 5, ".gguf") == 0;
}

/* Takes the last part of a path as the name of the file. */
static bool take_file(struct quern_cli_source *source, const char *path, size_t length)
{
    size_t start = length;
    while (start > 0 && path[start - 1] != '/')
        start--;
    if (length - start >= QUERN_CLI_FILE)
        return false;
    memcpy(source->file, path + start, length - start);
    source->file[length - start] = '\0';
    return quern_cli_is_model_file(source->file);
}

/* Whether path is OWNER/REPOSITORY/FILE, perhaps with folders before FILE. */
static bool is_hub_path(const char *path)
{
    int parts = 1;
    for (const char *part = path;; part++) {
        size_t length = strspn(part, NAME_CHARACTERS);
        if (length == 0 || part[0] == '.')
            return false;
        part += length;
        if (*part == '\0')
            return parts >= 3;
        if (*part != '/')
            return false;
        parts++;
    }
}

static bool format(char out[QUERN_CLI_URL], const char *pattern, ...) __attribute__((format(printf, 2, 3)));
static bool format(char out[QUERN_CLI_URL], const char *pattern, ...)
{
    va_list list;
    va_start(list, pattern);
    int length = vsnprintf(out, QUERN_CLI_URL, pattern, list);
    va_end(list);
    return length >= 0 && length < QUERN_CLI_URL;
}

/* A file of the hub. The repository is the first two parts of its path. */
static bool from_hub(struct quern_cli_source *source, const char *hub, const char *repository, int repository_length,
                     const char *revision, const char *path, char reason[QUERN_CLI_REASON])
{
    size_t length = strlen(hub);
    while (length > 0 && hub[length - 1] == '/')
        length--;
    bool fits = format(source->hub, "%.*s", (int)length, hub) &&
                format(source->origin, "hf:%.*s/%s", repository_length, repository, path) &&
                format(source->url, "%s/%.*s/resolve/%s/%s", source->hub, repository_length, repository, revision,
                       path);
    if (!fits || strpbrk(hub, "?#") != NULL || !quern_cli_url_allowed(source->url, NULL)) {
        snprintf(reason, QUERN_CLI_REASON, "the hub must be an https URL (or http to this machine), not '%.200s', "
                 "as $QUERN_HUB_URL or else $HF_ENDPOINT has it", hub);
        return false;
    }
    if (!take_file(source, path, strlen(path))) {
        snprintf(reason, QUERN_CLI_REASON, "'%.200s' is not the name of a .gguf file", path);
        return false;
    }
    return true;
}

static bool from_url(struct quern_cli_source *source, const char *url, char reason[QUERN_CLI_REASON])
{
    const char *path = strstr(url, "://");
    path = path != NULL ? strchr(path + 3, '/') : NULL;
    if (!quern_cli_url_allowed(url, NULL))
        snprintf(reason, QUERN_CLI_REASON, "a URL must be https, without a user and without spaces, not '%.200s'", url);
    else if (source->sha256[0] == '\0')
        snprintf(reason, QUERN_CLI_REASON, "a URL needs the SHA-256 of its file: --sha256 DIGEST");
    else if (path == NULL || !take_file(source, path, strcspn(path, "?#")))
        snprintf(reason, QUERN_CLI_REASON, "the path of the URL must end with the name of a .gguf file");
    else
        return format(source->url, "%s", url) && format(source->origin, "%s", url);
    return false;
}

/* Says what to do about a name that is not that of a published file. */
static void say_unknown(const char *name, char reason[QUERN_CLI_REASON])
{
    quern_known_info known = {.size = sizeof known};
    struct quern_nearest nearest = {.asked = name};
    char hint[QUERN_NEAREST_HINT];
    if (quern_known_describe(quern_known_find(name), &known, NULL) == QUERN_OK) {
        snprintf(reason, QUERN_CLI_REASON, "quern knows no GGUF file of %s: if you know one, 'quern pull "
                 "hf:OWNER/REPOSITORY/FILE.gguf'; or make one of the publisher's folder %s with 'quern convert'",
                 known.name, known.repository);
        return;
    }
    for (const struct quern_cli_published *model = quern_cli_catalog; model->name != NULL; model++)
        quern_nearest_offer(&nearest, model->name, strlen(model->name));
    for (int i = 0; quern_known_describe(i, &known, NULL) == QUERN_OK; i++)
        quern_nearest_offer(&nearest, known.name, strlen(known.name));
    snprintf(reason, QUERN_CLI_REASON,
             "there is no model '%.200s'%s: give a name of 'quern pull --list', hf:OWNER/REPOSITORY/FILE.gguf, or an "
             "https URL with --sha256",
             name, quern_nearest_hint(&nearest, hint));
}

bool quern_cli_source_find(struct quern_cli_source *source, const char *name, const char *sha256, const char *hub,
                           char reason[QUERN_CLI_REASON])
{
    const struct quern_cli_published *published = quern_cli_published_find(name);
    *source = (struct quern_cli_source){.published = published};
    if (sha256 != NULL && published != NULL && published->sha256 != NULL) {
        snprintf(reason, QUERN_CLI_REASON, "--sha256 is for hf: and URLs; the digest of '%s' is known", name);
        return false;
    }
    if (published != NULL && published->sha256 != NULL) {
        sha256 = published->sha256;
        source->size = published->size;
    }
    if (sha256 != NULL && !quern_cli_digest_read(source->sha256, sha256, strlen(sha256))) {
        snprintf(reason, QUERN_CLI_REASON, "a SHA-256 has 64 hexadecimal digits, not '%.100s'", sha256);
        return false;
    }
    if (published != NULL)
        return from_hub(source, hub, published->repository, (int)strlen(published->repository),
                        published->revision != NULL ? published->revision : "main", published->path, reason);
    if (strncmp(name, "hf:", 3) == 0 && is_hub_path(name + 3)) {
        const char *path = strchr(strchr(name + 3, '/') + 1, '/');
        return from_hub(source, hub, name + 3, (int)(path - name - 3), "main", path + 1, reason);
    }
    if (strncmp(name, "hf:", 3) != 0 && strstr(name, "://") != NULL)
        return from_url(source, name, reason);
    say_unknown(name, reason);
    return false;
}
