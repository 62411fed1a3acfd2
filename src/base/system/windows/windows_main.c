/* What Windows starts: it hands the arguments in UTF-8 to the program's main, and makes streams binary and consoles
 * UTF-8. */
#include "base/system/windows/windows_paths.h"

#include <windows.h>

#include <shellapi.h>

#undef main

int quern_program_main(int argc, char **argv);

static UINT code_page; /* of the console, before */

static void leave_console(void)
{
    SetConsoleOutputCP(code_page);
}

/* The console shows colours after this call. Programs cannot see that, so $TERM is set for them. */
static void enter_console(void)
{
    DWORD mode;
    HANDLE console = GetStdHandle(STD_ERROR_HANDLE);
    code_page = GetConsoleOutputCP();
    if (code_page != 0 && SetConsoleOutputCP(CP_UTF8))
        atexit(leave_console);
    if (GetConsoleMode(console, &mode) && SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) &&
        getenv("TERM") == NULL)
        SetEnvironmentVariableW(L"TERM", L"windows");
}

int main(void)
{
    int count = 0;
    for (int file = 0; file < 3; file++)
        _setmode(file, _O_BINARY);
    enter_console();
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
    char **arguments = wide != NULL ? calloc((size_t)count + 1, sizeof *arguments) : NULL;
    for (int i = 0; i < count && arguments != NULL; i++)
        if ((arguments[i] = quern_windows_narrow(wide[i])) == NULL)
            arguments = NULL;
    if (arguments == NULL) {
        fputs("no memory for the arguments\n", stderr);
        return 1;
    }
    return quern_program_main(count, arguments);
}
