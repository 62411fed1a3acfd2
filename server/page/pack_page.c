/* Writes files as C source, to build them into the program. usage: pack_page OUTPUT FILE...
 * Runs while quern is built, on the machine that builds it, and needs only C11. */
#include "array_count.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_of(const char *name)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".json", "application/json"},
    };
    const char *suffix = strrchr(name, '.');
    for (size_t i = 0; suffix != NULL && i < QUERN_COUNT(types); i++)
        if (strcmp(suffix, types[i][0]) == 0)
            return types[i][1];
    return NULL;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Writes the path in requests for the file: "/", "/NAME.json", or "/page/NAME". */
static void write_path(FILE *out, const char *name)
{
    const char *suffix = strrchr(name, '.');
    const int is_index = strcmp(name, "index.html") == 0;
    fprintf(out, "%s%s", is_index || strcmp(suffix, ".json") == 0 ? "/" : "/page/", is_index ? "" : name);
}

/* Writes the bytes of a file as an array, and their FNV-1a hash to hash. Returns 1 for an unreadable or empty file. */
static int write_bytes(FILE *out, const char *path, int number, uint64_t *hash)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return 1;
    *hash = UINT64_C(0xcbf29ce484222325);
    long count = 0;
    fprintf(out, "static const unsigned char file_%d[] = {", number);
    for (int byte; (byte = getc(in)) != EOF; count++) {
        fprintf(out, "%s%d,", count % 32 ? "" : "\n", byte);
        *hash = (*hash ^ (unsigned)byte) * UINT64_C(0x100000001b3);
    }
    fputs("\n};\n\n", out);
    int failed = ferror(in) || count == 0;
    fclose(in);
    return failed;
}

static int write_all(FILE *out, int count, char **paths, uint64_t *hashes)
{
    fputs("#include \"page_files.h\"\n\n", out);
    for (int i = 0; i < count; i++)
        if (type_of(paths[i]) == NULL || write_bytes(out, paths[i], i, &hashes[i])) {
            fprintf(stderr, "pack_page: %s cannot be read, is empty, or has no content type\n", paths[i]);
            return 1;
        }
    fputs("const struct quern_page_file quern_page_files[] = {\n", out);
    for (int i = 0; i < count; i++) {
        fputs("    {\"", out);
        write_path(out, name_of(paths[i]));
        fprintf(out, "\", \"%s\", \"\\\"%016" PRIx64 "\\\"\", file_%d, sizeof file_%d},\n", type_of(paths[i]),
                hashes[i], i, i);
    }
    fputs("    {0},\n};\n", out);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: pack_page OUTPUT FILE...\n", stderr);
        return 2;
    }
    FILE *out = fopen(argv[1], "w");
    uint64_t *hashes = calloc((size_t)argc, sizeof *hashes);
    if (out == NULL || hashes == NULL) {
        fprintf(stderr, "pack_page: cannot write %s\n", argv[1]);
        return 1;
    }
    int failed = write_all(out, argc - 2, argv + 2, hashes);
    failed |= fclose(out) != 0;
    free(hashes);
    return failed;
}
