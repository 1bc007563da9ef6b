/* Lines of the trace with values in them: %s, %d, %X with a width (%08X). */
#ifndef TEXT_H
#define TEXT_H

#include "trace.h"

#define LINE_LENGTH 512

struct text {
    ULONG length;
    char characters[LINE_LENGTH];
};

static inline void put_character(struct text *text, char character)
{
    if (text->length < LINE_LENGTH - 1) {
        text->characters[text->length++] = character;
        text->characters[text->length] = 0;
    }
}

static inline void put_string(struct text *text, const char *string)
{
    while (*string) {
        put_character(text, *string++);
    }
}

static inline void put_number(struct text *text, ULONG number, ULONG base, ULONG width)
{
    char digits[16];
    ULONG count = 0;
    do {
        digits[count++] = "0123456789ABCDEF"[number % base];
        number /= base;
    } while (number);
    while (count < width) {
        digits[count++] = '0';
    }
    while (count) {
        put_character(text, digits[--count]);
    }
}

static inline void put_formatted(struct text *text, const char *format, __builtin_va_list values)
{
    text->length = 0;
    text->characters[0] = 0;
    for (; *format; format++) {
        ULONG width = 0;
        int number;
        if (*format != '%') {
            put_character(text, *format);
            continue;
        }
        for (format++; *format >= '0' && *format <= '9'; format++) {
            width = width * 10 + (ULONG)(*format - '0');
        }
        switch (*format) {
        case 's':
            put_string(text, __builtin_va_arg(values, const char *));
            break;
        case 'd':
            number = __builtin_va_arg(values, int);
            if (number < 0) {
                put_character(text, '-');
            }
            put_number(text, number < 0 ? 0 - (ULONG)number : (ULONG)number, 10, width);
            break;
        case 'X':
            put_number(text, __builtin_va_arg(values, ULONG), 16, width);
            break;
        }
    }
}

/* {format} */
static inline void line(const char *format, ...)
{
    struct text text;
    __builtin_va_list values;
    __builtin_va_start(values, format);
    put_formatted(&text, format, values);
    __builtin_va_end(values);
    TraceLine(text.characters);
}

/* The framework enters a callback that returns nothing. */
static inline void entered(const char *name, const char *format, ...)
{
    struct text text;
    __builtin_va_list values;
    __builtin_va_start(values, format);
    put_formatted(&text, format, values);
    __builtin_va_end(values);
    TraceCallback(name, text.characters, NULL);
}

/* The framework enters a callback that is going to return a status. */
static inline NTSTATUS entered_returning(const char *name, NTSTATUS status, const char *format, ...)
{
    struct text text;
    __builtin_va_list values;
    __builtin_va_start(values, format);
    put_formatted(&text, format, values);
    __builtin_va_end(values);
    TraceCallback(name, text.characters, &status);
    return status;
}

/* A routine of the framework has returned a status. */
static inline NTSTATUS called(const char *routine, NTSTATUS status, const char *format, ...)
{
    struct text text;
    __builtin_va_list values;
    __builtin_va_start(values, format);
    put_formatted(&text, format, values);
    __builtin_va_end(values);
    line("'wdf':'%s','args':{%s},'status':'0x%08X'", routine, text.characters, status);
    return status;
}

/* A remark between two stimuli. */
static inline void note(const char *what)
{
    line("'do':'note','what':'%s'", what);
}

/* A call that the scenario makes outside of any callback. */
static inline void announce(const char *what)
{
    line("'do':'call','what':'%s'", what);
}

#endif
