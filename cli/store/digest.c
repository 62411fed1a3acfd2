#include "store.h"

#include <errno.h>
#include <unistd.h>

bool quern_cli_digest_read(char digest[QUERN_CLI_DIGEST], const char *text, size_t length)
{
    if (length != QUERN_CLI_DIGEST - 1)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        digest[i] = (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
        if (!((c >= '0' && c <= '9') || (digest[i] >= 'a' && digest[i] <= 'f')))
            return false;
    }
    digest[length] = '\0';
    return true;
}

void quern_cli_digest_end(SHA2_CTX *context, char digest[QUERN_CLI_DIGEST])
{
    uint8_t bytes[SHA256_DIGEST_LENGTH];
    SHA256Final(bytes, context);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
        sprintf(digest + 2 * i, "%02x", bytes[i]);
}

bool quern_cli_digest_file(SHA2_CTX *context, int descriptor, uint64_t *done, uint64_t total)
{
    struct quern_cli_progress progress;
    static uint8_t buffer[1 << 18];
    ssize_t got;
    quern_cli_progress_start(&progress, false);
    progress.skipped = *done;
    while ((got = read(descriptor, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR)) {
        if (got < 0)
            continue;
        SHA256Update(context, buffer, (size_t)got);
        *done += (uint64_t)got;
        quern_cli_progress_bytes(&progress, *done, total);
    }
    quern_cli_progress_clear(&progress);
    return got == 0;
}
