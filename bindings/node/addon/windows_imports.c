/* The functions of Node.js on Windows, where a library names the file that it takes each function from. That would be
 * node.exe; but the program may have another name, or have Node.js in it as Electron has. So they are looked up in the
 * program that loads the addon.
 *
 * Code calls an imported function by a pointer, which the linker would make: __imp_ and the function's name. */
#include <windows.h>

#define IMPORT(name) void (*__imp_##name)(void);
#include "node_functions.h"
#undef IMPORT

static const struct {
    const char *name;
    void (**function)(void);
} imports[] = {
#define IMPORT(name) {#name, &__imp_##name},
#include "node_functions.h"
#undef IMPORT
    {NULL, NULL},
};

/* Called by the system when the addon is loaded; FALSE: it is not loaded, and Node.js says so. */
BOOL WINAPI DllMain(HINSTANCE addon, DWORD reason, void *reserved)
{
    (void)addon;
    (void)reserved;
    if (reason != DLL_PROCESS_ATTACH)
        return TRUE;
    HMODULE host = GetModuleHandleW(NULL);
    if (GetProcAddress(host, imports[0].name) == NULL)
        host = GetModuleHandleW(L"libnode.dll"); /* where a program is linked with Node.js as a library */
    for (size_t i = 0; imports[i].name != NULL; i++) {
        *imports[i].function = host != NULL ? (void (*)(void))GetProcAddress(host, imports[i].name) : NULL;
        if (*imports[i].function == NULL)
            return FALSE;
    }
    return TRUE;
}
