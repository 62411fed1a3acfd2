#include "allowed.h"

#include "steps/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define NAME_BYTES_ALLOWED LETTERS DIGITS "-._"
#define SPACES " \t\r\n"

/* ---------------------------------------------------------------- what an entry may be */

/* Removes the spaces around an entry, and makes it lower case. */
static char *trim(char *entry)
{
    entry += strspn(entry, SPACES);
    size_t length = strlen(entry);
    while (length > 0 && strchr(SPACES, entry[length - 1]) != NULL)
        length--;
    entry[length] = '\0';
    for (char *c = entry; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return entry;
}

/* The length of the name in "name:port". */
static size_t name_length(const char *host)
{
    const char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;
    const size_t skipped = bracket != NULL ? (size_t)(bracket - host) : 0;
    return skipped + strcspn(host + skipped, ":");
}

/* Whether this is ":*", or ":" and a port as browsers write it: without zeros before it. */
static bool is_port(const char *port)
{
    return strcmp(port, ":*") == 0 || (port[0] == ':' && port[1] > '0' && strlen(port) <= 6 &&
                                      strspn(port + 1, DIGITS) == strlen(port + 1) && atoi(port + 1) <= 65535);
}

/* Whether host[length] is a name, an address, or a name with "*." before it. */
static bool is_host(const char *host, size_t length)
{
    if (length > 2 && host[0] == '[' && host[length - 1] == ']')
        return strspn(host + 1, DIGITS "abcdef:.") == length - 2;
    if (length > 2 && host[0] == '*' && host[1] == '.')
        host += 2, length -= 2;
    return length > 0 && host[0] != '.' && strspn(host, NAME_BYTES_ALLOWED) >= length;
}

/* What is wrong with an origin; NULL: nothing. Brings it into the form in which browsers send it. */
static const char *check_origin(char *origin)
{
    char *name = strstr(origin, "://");
    if (strpbrk(origin, SPACES ";") != NULL)
        return "put a comma between two origins";
    if (strcmp(origin, "*") == 0 || strcmp(origin, "null") == 0)
        return NULL;
    if (name == NULL || strspn(origin, LETTERS DIGITS "+-.") != (size_t)(name - origin) || name == origin)
        return "an origin begins with a scheme, as in http://localhost:3000 or https://*.example.org";
    name += 3;
    const size_t length = strlen(name);
    if (length > 0 && name[length - 1] == '/')
        name[length - 1] = '\0';
    if (strcmp(name, "*") == 0 || (name[0] == '\0' && strncmp(origin, "file:", 5) == 0))
        return NULL;
    if (strpbrk(name, "/?#@") != NULL)
        return "an origin has no path: it ends after the name or the port";
    const size_t size = name_length(name);
    char *port = name + size;
    if (port[0] != '\0' && !is_port(port))
        return "its port must be a number from 1 to 65535, without zeros before it, or *";
    if (!(size == 1 && name[0] == '*') && !is_host(name, size))
        return "its name must be one that browsers send, in ASCII (xn--...), and * may only stand for all before a dot";
    if ((strncmp(origin, "http:", 5) == 0 && strcmp(port, ":80") == 0) ||
        (strncmp(origin, "https:", 6) == 0 && strcmp(port, ":443") == 0))
        port[0] = '\0'; /* browsers leave it out */
    return NULL;
}

/* The same for a name of this server. */
static const char *check_host(char *host)
{
    if (strpbrk(host, SPACES ";") != NULL)
        return "put a comma between two names";
    if (strstr(host, "://") != NULL || strchr(host, '/') != NULL)
        return "a name stands in Host without a scheme and a path, as in api.example.org";
    char *port = host + name_length(host);
    if (port[0] != '\0' && !is_port(port))
        return "its port must be a number from 1 to 65535, without zeros before it; it may be left out";
    port[0] = '\0';
    if (strcmp(host, "*") != 0 && !is_host(host, strlen(host)))
        return "it is not a name that clients send, in ASCII (xn--...); * may only stand for all before a dot";
    return NULL;
}

/* ---------------------------------------------------------------- reading */

static int add(struct quern_allowed *allowed, const char *entry, quern_error *error)
{
    char **grown = realloc(allowed->entries, (allowed->count + 1) * sizeof *grown), *copy = strdup(entry);
    if (grown != NULL)
        allowed->entries = grown;
    if (grown == NULL || copy == NULL) {
        free(copy);
        return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the lists of names");
    }
    allowed->any |= strcmp(entry, "*") == 0;
    allowed->entries[allowed->count++] = copy;
    return QUERN_OK;
}

static int read_list(struct quern_allowed *allowed, const char *list, const char *option,
                     const char *check(char *entry), quern_error *error)
{
    char *copy = strdup(list != NULL ? list : ""), *rest = copy;
    int code = copy != NULL ? QUERN_OK : quern_server_fail(error, QUERN_ENOMEM, "%s: there is no memory", option);
    while (code == QUERN_OK && list != NULL && rest != NULL) {
        char *entry = trim(strsep(&rest, ","));
        char shown[64];
        snprintf(shown, sizeof shown, "%s", entry);
        const char *reason = entry[0] != '\0' ? check(entry) : "an entry is empty";
        code = reason == NULL ? add(allowed, entry, error)
                              : quern_server_fail(error, QUERN_EINVAL, "%s: '%s' can never match: %s", option, shown,
                                                  reason);
    }
    free(copy);
    if (code != QUERN_OK)
        quern_allowed_free(allowed);
    return code;
}

int quern_origins_read(struct quern_allowed *allowed, const char *list, quern_error *error)
{
    return read_list(allowed, list, "--cors-origin", check_origin, error);
}

int quern_hosts_read(struct quern_allowed *allowed, const char *list, quern_error *error)
{
    return read_list(allowed, list, "--allowed-hosts", check_host, error);
}

void quern_allowed_free(struct quern_allowed *allowed)
{
    for (size_t i = 0; i < allowed->count; i++)
        free(allowed->entries[i]);
    free(allowed->entries);
    *allowed = (struct quern_allowed){0};
}

/* ---------------------------------------------------------------- matching */

/* Whether name[length] is pattern[size]: the same but for case or, behind a "*.", below that name. */
static bool is_below(const char *pattern, size_t size, const char *name, size_t length)
{
    if (size == 1 && pattern[0] == '*')
        return length > 0;
    if (size > 2 && pattern[0] == '*' && pattern[1] == '.')
        return length >= size && strncasecmp(name + length - (size - 1), pattern + 1, size - 1) == 0;
    return size == length && strncasecmp(name, pattern, size) == 0;
}

/* Whether an origin is that of an entry. */
static bool is_origin(const char *entry, const char *origin)
{
    const char *pattern = strstr(entry, "://"), *name = strstr(origin, "://");
    if (pattern == NULL || name == NULL)
        return strcasecmp(entry, origin) == 0;
    if (pattern - entry != name - origin || strncasecmp(entry, origin, (size_t)(pattern - entry)) != 0)
        return false;
    pattern += 3;
    name += 3;
    if (pattern[0] == '\0' || strcmp(pattern, "*") == 0)
        return true; /* all of a scheme */
    const size_t size = name_length(pattern), length = name_length(name);
    return (strcmp(pattern + size, ":*") == 0 || strcmp(pattern + size, name + length) == 0) &&
           is_below(pattern, size, name, length);
}

bool quern_origins_have(const struct quern_allowed *allowed, const char *origin)
{
    for (size_t i = 0; i < allowed->count && !allowed->any; i++)
        if (is_origin(allowed->entries[i], origin))
            return true;
    return allowed->any;
}

bool quern_hosts_have(const struct quern_allowed *allowed, const char *name, size_t length)
{
    for (size_t i = 0; i < allowed->count; i++)
        if (is_below(allowed->entries[i], strlen(allowed->entries[i]), name, length))
            return true;
    return false;
}
