/* What the C compiler itself knows: sizes, wide characters, argument lists. */
#ifndef MINI_CRT_TYPES_H
#define MINI_CRT_TYPES_H

typedef __SIZE_TYPE__ size_t;
#ifndef __cplusplus
typedef __WCHAR_TYPE__ wchar_t;
#endif
typedef __builtin_va_list va_list;

#endif
