/* The room on the disk of a folder, or of an open file. */
#ifndef QUERN_WINDOWS_STATVFS_H
#define QUERN_WINDOWS_STATVFS_H

struct statvfs {
    unsigned long long f_bavail, f_frsize; /* blocks, and bytes of each */
};

int quern_windows_statvfs(const char *path, struct statvfs *disk);
#define statvfs(path, disk) quern_windows_statvfs(path, disk) /* the structure keeps its name */
#define fstatvfs quern_windows_fstatvfs
int quern_windows_fstatvfs(int file, struct statvfs *disk);

#endif
