#include "quern.h"

const char *quern_version(void)
{
#define TEXT(x) TEXT_OF(x)
#define TEXT_OF(x) #x
    return TEXT(QUERN_VERSION_MAJOR) "." TEXT(QUERN_VERSION_MINOR) "." TEXT(QUERN_VERSION_PATCH);
}
