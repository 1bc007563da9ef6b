/* Data that hold addresses: each must be relocated. */

typedef unsigned long long WORD;

static const WORD values[3] = {10, 11, 12};
static const WORD *const pointers[3] = {&values[0], &values[1], &values[2]};

static const WORD *Second(WORD index)
{
    return pointers[index];
}

static const WORD *(*volatile follow)(WORD) = Second;

WORD DriverEntry(void *driver, void *path)
{
    (void)driver;
    (void)path;
    return 0;
}

__declspec(dllexport) WORD Follow(WORD index)
{
    return *follow(index);
}
