/* The environment in UTF-8. */
#include "base/system/windows/windows_paths.h"

#include "base/count.h"

#include <windows.h>

/* Values that were asked for; each stays as long as the process. */
static struct value {
    struct value *next;
    wchar_t *name;
    char *text;
} *values;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The same text each time, unless the variable has changed. */
static char *remember(wchar_t *name, char *text)
{
    struct value *value = values;
    while (value != NULL && (wcscmp(value->name, name) != 0 || strcmp(value->text, text) != 0))
        value = value->next;
    if (value == NULL && (value = malloc(sizeof *value)) != NULL) {
        *value = (struct value){values, name, text};
        values = value;
        return text;
    }
    free(name);
    free(text);
    return value != NULL ? value->text : NULL;
}

/* is_folder: '/' separates the folders in the value. */
static char *look_up(const char *name, bool is_folder)
{
    wchar_t *wide = quern_windows_wide(name);
    const DWORD units = wide != NULL ? GetEnvironmentVariableW(wide, NULL, 0) : 0; /* with the terminator */
    wchar_t *found = units > 0 ? malloc(units * sizeof *found) : NULL;
    char *text = NULL;
    if (found != NULL && GetEnvironmentVariableW(wide, found, units) < units)
        text = quern_windows_narrow(found);
    free(found);
    if (text != NULL && is_folder)
        quern_windows_slashes(text);
    if (text != NULL)
        return remember(wide, text);
    free(wide);
    return NULL;
}

char *quern_windows_getenv(const char *name)
{
    static const char *const folders[][2] = {
        {"HOME", "USERPROFILE"}, {"TMPDIR", "TEMP"}, {"XDG_CACHE_HOME", "LOCALAPPDATA"}};
    const char *instead = NULL;
    for (size_t i = 0; i < QUERN_COUNT(folders); i++)
        if (strcmp(name, folders[i][0]) == 0)
            instead = folders[i][1];
    pthread_mutex_lock(&lock);
    char *value = look_up(name, instead != NULL);
    if (value == NULL && instead != NULL)
        value = look_up(instead, true);
    pthread_mutex_unlock(&lock);
    return value;
}
