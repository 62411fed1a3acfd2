/* The functions of libcurl that are used. One of two files finds them: curl_loaded.c in the library that the machine
 * has, curl_linked.c in the program itself. */
#ifndef QUERN_CLI_CURL_LINK_H
#define QUERN_CLI_CURL_LINK_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

struct quern_curl {
    __typeof__(curl_easy_init) *init;
    __typeof__(curl_easy_setopt) *set;
    __typeof__(curl_easy_perform) *perform;
    __typeof__(curl_easy_getinfo) *get;
    __typeof__(curl_easy_strerror) *describe;
    __typeof__(curl_easy_cleanup) *cleanup;
    __typeof__(curl_slist_append) *append;
    __typeof__(curl_slist_free_all) *free_list;
};

/* False when the machine has no libcurl; reason[reason_size] says what to install. */
bool quern_curl_find(struct quern_curl *curl, char *reason, size_t reason_size);

#endif
