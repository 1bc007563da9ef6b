/*
 * A VF driver in C that talks over its standard input and output: it sends a message that it made up, receives one, and
 * ends with 0 if they are the same.
 *
 * A call is 'W' or 'R', the block's id (4 bytes), the length (1 byte), and what is written; its answer is the status
 * (4 bytes) and what was read. Numbers are little-endian.
 */

#include <stdio.h>
#include <stdlib.h>

#include "vf_backchannel.h"

static uint8_t sent[VF_BACKCHANNEL_LONGEST];
static uint8_t received[VF_BACKCHANNEL_LONGEST];

static void call(int direction, uint32_t block, uint32_t length)
{
    int at;
    putchar(direction);
    for (at = 0; at < 32; at += 8) {
        putchar((int)(block >> at & 0xFFu));
    }
    putchar((int)length);
}

static uint32_t answer(void)
{
    uint32_t status = 0;
    int at;
    fflush(stdout);
    for (at = 0; at < 32; at += 8) {
        int byte = getchar();
        if (byte == EOF) {
            exit(99);
        }
        status |= (uint32_t)byte << at;
    }
    return status;
}

static uint32_t write_block(void *context, uint32_t block, const uint8_t *bytes, uint32_t length)
{
    (void)context;
    call('W', block, length);
    fwrite(bytes, 1, length, stdout);
    return answer();
}

static uint32_t read_block(void *context, uint32_t block, uint8_t *bytes, uint32_t length)
{
    uint32_t status;
    (void)context;
    call('R', block, length);
    status = answer();
    return fread(bytes, 1, length, stdin) == length ? status : 1u;
}

int main(int count, char **words)
{
    struct vf_backchannel vf = {NULL, write_block, read_block, 20, 21, 22, 0, 0, 0, 0, 0, 0};
    uint32_t length = count > 1 ? (uint32_t)atoi(words[1]) : 0;
    uint32_t got = 0, at;
    enum vf_backchannel_result result;
    for (at = 0; at < length && at < VF_BACKCHANNEL_LONGEST; at++) {
        sent[at] = (uint8_t)(at * 31u >> 3);
    }
    result = vf_backchannel_open(&vf);
    if (result == VF_BACKCHANNEL_OK) {
        result = vf_backchannel_send(&vf, sent, length);
    }
    if (result == VF_BACKCHANNEL_OK) {
        result = vf_backchannel_receive(&vf, received, sizeof(received), &got);
    }
    if (result != VF_BACKCHANNEL_OK) {
        return 10 + (int)result;
    }
    for (at = 0; at < length; at++) {
        if (received[at] != sent[at]) {
            return 1;
        }
    }
    return got == length ? 0 : 2;
}
