#include "store/store.h"
#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool quern_cli_is_coarse(const char *types)
{
    return strstr(types, "Q4_") != NULL || strstr(types, "Q5_") != NULL || strstr(types, "_K") != NULL;
}

/* Hashes a file; false after a message. */
static bool digest_of(char digest[QUERN_CLI_DIGEST], const char *path, uint64_t size)
{
    SHA2_CTX context;
    uint64_t done = 0;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    SHA256Init(&context);
    const bool read = descriptor >= 0 && quern_cli_digest_file(&context, descriptor, &done, size);
    if (read)
        quern_cli_digest_end(&context, digest);
    else
        quern_cli_say("cannot read %s: %s", path, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return read;
}

/* The published file with the digest of this one, or NULL. Only a file of the right size is hashed. */
static const struct quern_cli_published *find_published(const struct quern_cli_session *session)
{
    char digest[QUERN_CLI_DIGEST] = "";
    for (const struct quern_cli_published *published = quern_cli_catalog; published->name != NULL; published++) {
        if (published->sha256 == NULL || published->size != session->info.file_bytes)
            continue;
        if (digest[0] == '\0' && !digest_of(digest, session->path, session->info.file_bytes))
            return NULL;
        if (strcmp(digest, published->sha256) == 0)
            return published;
    }
    return NULL;
}

int quern_cli_verify_file(const struct quern_cli_session *session)
{
    const quern_model_info *info = &session->info;
    const struct quern_cli_published *published = find_published(session);
    if (published != NULL) {
        printf("verdict: this is the published file %s, by its SHA-256; quern has no vectors of it to compare with\n",
               published->name);
        return QUERN_CLI_DONE;
    }
    if (info->known == NULL)
        puts("verdict: quern cannot tell which published model this file is, if it is one: name it with --as");
    else
        printf("verdict: this file is taken for %s, because %s; quern has no vectors of it to compare with: compare "
               "with another file of it (--against FILE)\n", info->known, info->known_reason);
    return QUERN_CLI_FAILED;
}
