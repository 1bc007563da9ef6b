/*
 * Messages of up to 64 KiB between a VF driver and its PF: the VF's side.
 *
 * Plain C11 and C++17, for any operating system: it needs <stdint.h> and two callbacks that write and read one block.
 * It allocates nothing, keeps its state in struct vf_backchannel, and needs about 400 bytes of stack. The calls of one
 * structure must not overlap. The wire is described beside the PF's side, in shared/src/message.rs; the client in Rust
 * (MessageClient) makes the same calls with the same bytes in the same order.
 */

#ifndef VF_BACKCHANNEL_H
#define VF_BACKCHANNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a message ended. */
enum vf_backchannel_result {
    VF_BACKCHANNEL_OK = 0,
    /* There is no message to receive. */
    VF_BACKCHANNEL_NONE = 1,
    /* The PF does not speak this version. */
    VF_BACKCHANNEL_VERSION = 2,
    /* No bytes, more than the PF takes, or more than the buffer holds (the message waits then). */
    VF_BACKCHANNEL_LENGTH = 3,
    /* The PF's handler refused the message: see status. */
    VF_BACKCHANNEL_REFUSED = 4,
    /* It took longer than the PF's time limit. */
    VF_BACKCHANNEL_TOO_LATE = 5,
    /* Pieces were lost 32 times in a row. */
    VF_BACKCHANNEL_LOST = 6,
    /* A callback failed: see status. */
    VF_BACKCHANNEL_CALL = 7
};

/* The largest message, in bytes. */
#define VF_BACKCHANNEL_LONGEST 65536u

/*
 * What the VF driver brings, and the state of the conversation. The members up to to_vf are set before
 * vf_backchannel_open; the others belong to this header.
 */
struct vf_backchannel {
    /* Handed to the callbacks. */
    void *context;
    /* Writes one block of length bytes (32 or 128); 0 if the PF took it, else any other value. */
    uint32_t (*write)(void *context, uint32_t block, const uint8_t *bytes, uint32_t length);
    /* Fills length bytes (32 or 128) from one block; 0 if the PF answered, else any other value. */
    uint32_t (*read)(void *context, uint32_t block, uint8_t *bytes, uint32_t length);
    /* The ids of the blocks, as the PF's driver has them. */
    uint32_t control;
    uint32_t to_pf;
    uint32_t to_vf;
    /* Bytes of the longest message in each direction; known after vf_backchannel_open. */
    uint32_t longest_to_pf;
    uint32_t longest_to_vf;
    /* After VF_BACKCHANNEL_REFUSED the handler's NTSTATUS; after VF_BACKCHANNEL_CALL what the callback returned. */
    uint32_t status;
    uint16_t sequence;
    uint16_t received;
    uint8_t has_received;
};

/* How often a piece is sent or asked for, and what it holds. */
#define VF_BACKCHANNEL_ROUNDS 32u
#define VF_BACKCHANNEL_BLOCK 128u
#define VF_BACKCHANNEL_HEAD 8u
#define VF_BACKCHANNEL_PIECE 120u
#define VF_BACKCHANNEL_ARRIVED 112u

static inline uint16_t vf_backchannel_half(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | (uint16_t)(bytes[1] << 8));
}

static inline uint32_t vf_backchannel_word(const uint8_t *bytes)
{
    return (uint32_t)vf_backchannel_half(bytes) | (uint32_t)vf_backchannel_half(bytes + 2) << 16;
}

static inline uint32_t vf_backchannel_pieces(uint32_t length)
{
    return length / VF_BACKCHANNEL_PIECE + (length % VF_BACKCHANNEL_PIECE != 0u);
}

static inline int vf_backchannel_has(const uint8_t *arrived, uint32_t piece)
{
    return (arrived[piece >> 3] >> (piece & 7u)) & 1;
}

static inline void vf_backchannel_clear(uint8_t *bytes, uint32_t length)
{
    uint32_t at;
    for (at = 0; at < length; at++) {
        bytes[at] = 0;
    }
}

/* Bytes of the message that a piece carries. */
static inline uint32_t vf_backchannel_carried(uint32_t piece, uint32_t length)
{
    uint32_t left = length - piece * VF_BACKCHANNEL_PIECE;
    return left < VF_BACKCHANNEL_PIECE ? left : VF_BACKCHANNEL_PIECE;
}

static inline void vf_backchannel_head(uint8_t *block, uint16_t sequence, uint32_t piece, uint32_t length)
{
    block[0] = (uint8_t)sequence;
    block[1] = (uint8_t)(sequence >> 8);
    block[2] = (uint8_t)piece;
    block[3] = (uint8_t)(piece >> 8);
    block[4] = (uint8_t)length;
    block[5] = (uint8_t)(length >> 8);
    block[6] = (uint8_t)(length >> 16);
    block[7] = (uint8_t)(length >> 24);
}

/* Tells the PF which piece to go on with; the number after the last acknowledges the message. */
static inline void vf_backchannel_tell(struct vf_backchannel *vf, uint16_t sequence, uint32_t piece,
                                       enum vf_backchannel_result *failure)
{
    uint8_t block[VF_BACKCHANNEL_BLOCK];
    uint32_t refusal;
    vf_backchannel_clear(block, sizeof(block));
    vf_backchannel_head(block, sequence, piece, 0);
    refusal = vf->write(vf->context, vf->to_vf, block, VF_BACKCHANNEL_BLOCK);
    if (refusal != 0) {
        vf->status = refusal;
        *failure = VF_BACKCHANNEL_CALL;
    }
}

/* Begins the conversation: agrees on a version, and drops whatever was on its way. */
static inline enum vf_backchannel_result vf_backchannel_open(struct vf_backchannel *vf)
{
    uint8_t block[32];
    vf->sequence = 0;
    vf->received = 0;
    vf->has_received = 0;
    vf_backchannel_clear(block, sizeof(block));
    block[0] = 1;
    block[2] = 1;
    vf->status = vf->write(vf->context, vf->control, block, sizeof(block));
    if (vf->status != 0) {
        return VF_BACKCHANNEL_CALL;
    }
    vf->status = vf->read(vf->context, vf->control, block, sizeof(block));
    if (vf->status != 0) {
        return VF_BACKCHANNEL_CALL;
    }
    if (vf_backchannel_half(block + 4) != 1) {
        return VF_BACKCHANNEL_VERSION;
    }
    vf->longest_to_pf = vf_backchannel_word(block + 24);
    vf->longest_to_vf = vf_backchannel_word(block + 28);
    return VF_BACKCHANNEL_OK;
}

/* Sends a message; returns when the PF's handler has taken it, or it is not going to be. */
static inline enum vf_backchannel_result vf_backchannel_send(struct vf_backchannel *vf, const uint8_t *message,
                                                             uint32_t length)
{
    uint8_t arrived[VF_BACKCHANNEL_ARRIVED];
    uint8_t block[VF_BACKCHANNEL_BLOCK];
    enum vf_backchannel_result failure = VF_BACKCHANNEL_LOST;
    uint32_t pieces = vf_backchannel_pieces(length);
    uint32_t round, piece, at, refusal;
    if (length == 0 || length > vf->longest_to_pf || length > VF_BACKCHANNEL_LONGEST) {
        return VF_BACKCHANNEL_LENGTH;
    }
    vf->sequence = (uint16_t)(vf->sequence + 1u);
    vf_backchannel_clear(arrived, sizeof(arrived));
    for (round = 0; round < VF_BACKCHANNEL_ROUNDS; round++) {
        for (piece = 0; piece < pieces; piece++) {
            uint32_t carried = vf_backchannel_carried(piece, length);
            if (vf_backchannel_has(arrived, piece)) {
                continue;
            }
            vf_backchannel_clear(block, sizeof(block));
            vf_backchannel_head(block, vf->sequence, piece, length);
            for (at = 0; at < carried; at++) {
                block[VF_BACKCHANNEL_HEAD + at] = message[piece * VF_BACKCHANNEL_PIECE + at];
            }
            refusal = vf->write(vf->context, vf->to_pf, block, VF_BACKCHANNEL_BLOCK);
            if (refusal != 0) {
                vf->status = refusal;
                failure = VF_BACKCHANNEL_CALL;
            }
        }
        vf_backchannel_clear(block, sizeof(block));
        refusal = vf->read(vf->context, vf->to_pf, block, VF_BACKCHANNEL_BLOCK);
        if (refusal != 0) {
            vf->status = refusal;
            failure = VF_BACKCHANNEL_CALL;
            continue;
        }
        if (vf_backchannel_half(block) != vf->sequence) {
            continue;
        }
        switch (vf_backchannel_half(block + 2)) {
        case 2:
            return VF_BACKCHANNEL_OK;
        case 3:
            vf->status = vf_backchannel_word(block + 8);
            return VF_BACKCHANNEL_REFUSED;
        case 4:
            return VF_BACKCHANNEL_TOO_LATE;
        default:
            for (at = 0; at < VF_BACKCHANNEL_ARRIVED; at++) {
                arrived[at] = block[16 + at];
            }
            break;
        }
    }
    return failure;
}

/* Receives a message of at most capacity bytes, if there is one. */
static inline enum vf_backchannel_result vf_backchannel_receive(struct vf_backchannel *vf, uint8_t *buffer,
                                                                uint32_t capacity, uint32_t *length)
{
    uint8_t arrived[VF_BACKCHANNEL_ARRIVED];
    uint8_t block[VF_BACKCHANNEL_BLOCK];
    enum vf_backchannel_result failure = VF_BACKCHANNEL_LOST;
    uint16_t sequence = 0;
    uint32_t total = 0, count = 0, left = VF_BACKCHANNEL_ROUNDS;
    int has_begun = 0;
    *length = 0;
    vf_backchannel_clear(arrived, sizeof(arrived));
    while (left > 0) {
        uint32_t refusal, told, pieces, piece, carried, at, next;
        uint16_t head;
        vf_backchannel_clear(block, sizeof(block));
        refusal = vf->read(vf->context, vf->to_vf, block, VF_BACKCHANNEL_BLOCK);
        if (refusal != 0) {
            vf->status = refusal;
            failure = VF_BACKCHANNEL_CALL;
            left--;
            continue;
        }
        head = vf_backchannel_half(block);
        piece = vf_backchannel_half(block + 2);
        told = vf_backchannel_word(block + 4);
        if (told == 0) {
            return VF_BACKCHANNEL_NONE;
        }
        pieces = vf_backchannel_pieces(told);
        if (vf->has_received && vf->received == head) {
            /* It is here already, and the PF has not heard so. */
            left--;
            vf_backchannel_tell(vf, head, pieces, &failure);
            continue;
        }
        if (told > capacity || told > VF_BACKCHANNEL_LONGEST || piece >= pieces) {
            return VF_BACKCHANNEL_LENGTH;
        }
        if (!has_begun || sequence != head || total != told) {
            /* The first piece of it, or the PF gave up an earlier one. */
            has_begun = 1;
            sequence = head;
            total = told;
            count = 0;
            vf_backchannel_clear(arrived, sizeof(arrived));
        }
        if (vf_backchannel_has(arrived, piece)) {
            left--;
        } else {
            arrived[piece >> 3] = (uint8_t)(arrived[piece >> 3] | 1u << (piece & 7u));
            carried = vf_backchannel_carried(piece, told);
            for (at = 0; at < carried; at++) {
                buffer[piece * VF_BACKCHANNEL_PIECE + at] = block[VF_BACKCHANNEL_HEAD + at];
            }
            count++;
            left = VF_BACKCHANNEL_ROUNDS;
        }
        if (count == pieces) {
            vf->received = head;
            vf->has_received = 1;
            vf_backchannel_tell(vf, head, pieces, &failure);
            *length = told;
            return VF_BACKCHANNEL_OK;
        }
        next = piece + 1;
        if (next == pieces || vf_backchannel_has(arrived, next)) {
            for (next = 0; next < pieces && vf_backchannel_has(arrived, next); next++) {
            }
            vf_backchannel_tell(vf, head, next, &failure);
        }
    }
    return failure;
}

#ifdef __cplusplus
}
#endif

#endif
