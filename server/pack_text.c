/* Writes a file as a C array that ends with a NUL. usage: pack_text OUTPUT NAME FILE
 * Runs while quern is being built, on the machine that builds it: plain C11, no more. */
#include <stdio.h>

int main(int argc, char **argv)
{
    FILE *out = argc == 4 ? fopen(argv[1], "w") : NULL, *in = argc == 4 ? fopen(argv[3], "rb") : NULL;
    long count = 0;
    if (out == NULL || in == NULL) {
        fputs("usage: pack_text OUTPUT NAME FILE\n", stderr);
        return 2;
    }
    fprintf(out, "extern const char %s[];\nconst char %s[] = {", argv[2], argv[2]);
    for (int byte; (byte = getc(in)) != EOF && byte < 128; count++)
        fprintf(out, "%s%d,", count % 32 == 0 ? "\n" : "", byte);
    fputs("\n0};\n", out);
    const int failed = ferror(in) || !feof(in);
    fclose(in);
    return (fclose(out) != 0) | failed;
}
