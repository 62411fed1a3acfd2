#include "base/pages.h"

#include "base/error.h"
#include "base/system/system.h"

void *quern_pages_take(size_t bytes, quern_error *error)
{
    void *pages = quern_system_take_large(bytes);
    if (pages == NULL)
        quern_fail(error, QUERN_ENOMEM, "no memory: %zu bytes are needed", bytes);
    return pages;
}

void quern_pages_release(void *pages, size_t bytes)
{
    if (pages != NULL)
        quern_system_release(pages, bytes);
}
