#include "sys/mman.h"

#include <windows.h>

static DWORD protection(int rights)
{
    return rights & PROT_WRITE ? PAGE_READWRITE : rights & PROT_READ ? PAGE_READONLY : PAGE_NOACCESS;
}

void *quern_windows_mmap(void *address, size_t bytes, int rights, int flags, int file, long long offset)
{
    (void)address;
    (void)file;
    (void)offset;
    if ((flags & MAP_ANONYMOUS) == 0)
        return MAP_FAILED;
    void *memory = VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, protection(rights));
    return memory != NULL ? memory : MAP_FAILED;
}

int quern_windows_mprotect(void *memory, size_t bytes, int rights)
{
    DWORD before;
    return VirtualProtect(memory, bytes, protection(rights), &before) ? 0 : -1;
}

int quern_windows_munmap(void *memory, size_t bytes)
{
    (void)bytes;
    return VirtualFree(memory, 0, MEM_RELEASE) ? 0 : -1;
}
