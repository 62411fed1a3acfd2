/* libcurl is loaded only for a download: it needs 30 libraries, which would add 7 ms to the start of every other verb.
 * Both of Debian's builds will do, and that of macOS. */
#include "curl_link.h"

#include "array_count.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool quern_curl_find(struct quern_curl *curl, char *reason, size_t reason_size)
{
    const struct {
        const char *name;
        void *function; /* its pointer in the table */
    } functions[] = {
        {"curl_easy_init", &curl->init},         {"curl_easy_setopt", &curl->set},
        {"curl_easy_perform", &curl->perform},   {"curl_easy_getinfo", &curl->get},
        {"curl_easy_strerror", &curl->describe}, {"curl_easy_cleanup", &curl->cleanup},
        {"curl_slist_append", &curl->append},    {"curl_slist_free_all", &curl->free_list},
    };
    static const char *const names[] = {"libcurl-gnutls.so.4", "libcurl.so.4", "/usr/lib/libcurl.4.dylib"};
    void *library = NULL;
    for (size_t i = 0; i < QUERN_COUNT(names) && library == NULL; i++)
        library = dlopen(names[i], RTLD_NOW);
    for (size_t i = 0; i < QUERN_COUNT(functions); i++) {
        void *function = library != NULL ? dlsym(library, functions[i].name) : NULL;
        if (function == NULL) {
            snprintf(reason, reason_size, "downloading needs libcurl: install libcurl3-gnutls or libcurl4");
            return false;
        }
        memcpy(functions[i].function, &function, sizeof function);
    }
    return true;
}
