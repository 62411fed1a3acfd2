/* Replaces curl_loaded.c where libcurl is part of the program, because the system has none. */
#include "curl_link.h"

bool quern_curl_find(struct quern_curl *curl, char *reason, size_t reason_size)
{
    (void)reason;
    (void)reason_size;
    *curl = (struct quern_curl){
        .init = curl_easy_init,         .set = curl_easy_setopt,       .perform = curl_easy_perform,
        .get = curl_easy_getinfo,       .describe = curl_easy_strerror, .cleanup = curl_easy_cleanup,
        .append = curl_slist_append,    .free_list = curl_slist_free_all,
    };
    return true;
}
