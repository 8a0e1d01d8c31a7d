/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * records.c - L2: encoder and decoder of the records, driven by the tables of
 * records.gen.c, so that no record has code of its own, and that what one of
 * them reads the other writes [REC-12].
 *
 * The decoder refuses what level 2 of the specification tells it to. It borrows
 * all strings; only the elements of a set are allocated. No size is too large
 * for it [REC-30].
 */
#include "records.h"

#include "arena.h"
#include "bencode.h"
#include "buf.h"
#include "records.gen.h"
#include "returns.h"
#include "text.h"

#include <string.h>

typedef struct decoder {
  brrr_ben r;
  brrr_arena *arena; /* NULL where the layout has no set */
} decoder;

static void *member(void *record, size_t offset) {
  return (uint8_t *)record + offset;
}

static const void *const_member(const void *record, size_t offset) {
  return (const uint8_t *)record + offset;
}

/* Where `str` is not what a field of this content may hold; its length if it
 * is. */
static size_t good_prefix(brrr__content content, brrr_bytes str) {
  switch (content) {
  case BRRR__UTF8:
    return brrr__text_utf8(str);
  case BRRR__ASCII:
    return brrr__text_ascii(str);
  default:
    return str.len;
  }
}

/* ==== Decoding =========================================================== */

static brrr_status fail(decoder *d, size_t offset, const char *requirement,
                        const char *reason) {
  return brrr__ben_fail(&d->r, BRRR_E_RECORD, offset, requirement, reason);
}

static brrr_status take_string(decoder *d, const brrr__field *f, brrr_bytes str,
                               brrr_bytes *out) {
  size_t good = good_prefix(f->content, str);
  if (good < str.len)
    return fail(d, (size_t)(str.ptr - d->r.base) + good,
                f->content == BRRR__ASCII ? "REC-42" : "WIRE-25",
                f->wrong_content);
  *out = str;
  return BRRR_OK;
}

static brrr_status decode_string(decoder *d, const brrr__field *f,
                                 const brrr_ben_item *item, brrr_bytes *out) {
  if (item->type != BRRR_BEN_STR)
    return fail(d, item->offset, "REC-40", f->wrong_type);
  return take_string(d, f, item->str, out);
}

static brrr_status decode_number(decoder *d, const brrr__field *f,
                                 const brrr_ben_item *item, int64_t *out) {
  if (item->type != BRRR_BEN_INT)
    return fail(d, item->offset, "REC-41", f->wrong_type);
  if (item->num < 0)
    return fail(d, item->offset, "REC-41", f->wrong_content);
  *out = item->num; /* 0 stands for unset [REC-22] */
  return BRRR_OK;
}

#define MAX_STRINGS 3 /* in a list record */

/* A list record of strings that is not as it should be, or is unusual. */
static brrr_status decode_items(decoder *d, const brrr__layout *layout,
                                void *out) {
  brrr_ben_item item;
  brrr_status s;
  if ((s = brrr_ben_next(&d->r, &item)))
    return s;
  if (item.type == BRRR_BEN_END)
    return fail(d, item.offset, "REC-25", layout->wrong_arity);
  if (item.type != BRRR_BEN_INT || item.num != layout->tag)
    return fail(d, item.offset, "REC-24", layout->wrong_tag);
  for (size_t i = 0; i < layout->count; i++) {
    const brrr__field *f = &layout->fields[i];
    if ((s = brrr_ben_next(&d->r, &item)))
      return s;
    if (item.type == BRRR_BEN_END)
      return fail(d, item.offset, "REC-25", layout->wrong_arity);
    if ((s = decode_string(d, f, &item, member(out, f->offset))))
      return s;
  }
  if ((s = brrr_ben_next(&d->r, &item)))
    return s;
  if (item.type != BRRR_BEN_END)
    return fail(d, item.offset, "REC-25", layout->wrong_arity);
  return BRRR_OK;
}

/* A list record of strings; `first` is what has been read of it. */
static brrr_status decode_list(decoder *d, const brrr__layout *layout,
                               const brrr_ben_item *first, void *out) {
  brrr_bytes strings[MAX_STRINGS];
  brrr_status s = BRRR_OK;
  if (first->type != BRRR_BEN_LIST)
    return fail(d, first->offset, "REC-23", layout->wrong_type);
  if (layout->count > MAX_STRINGS ||
      !brrr__ben_tuple(&d->r, layout->tag, strings, layout->count))
    return decode_items(d, layout, out);
  for (size_t i = 0; !s && i < layout->count; i++)
    s = take_string(d, &layout->fields[i], strings[i],
                    member(out, layout->fields[i].offset));
  return s;
}

/* Any order, any number of times [REC-21]: what is read is what was there. */
static brrr_status decode_set(decoder *d, const brrr__field *f,
                              const brrr_ben_item *first, void *out) {
  const brrr__layout *element = f->element;
  uint8_t *elements = NULL;
  size_t count = 0;
  brrr_ben_item item;
  brrr_status s;
  if (first->type != BRRR_BEN_LIST)
    return fail(d, first->offset, "REC-27", f->wrong_type);
  for (;;) {
    if ((s = brrr_ben_next(&d->r, &item)))
      return s;
    if (item.type == BRRR_BEN_END)
      break;
    if (item.type != BRRR_BEN_LIST)
      return fail(d, item.offset, "REC-27", element->wrong_type);
    uint8_t *room = brrr__arena_push(d->arena, elements, count, element->size);
    if (!room)
      return brrr__ben_fail(&d->r, BRRR_E_NOMEM, item.offset, "",
                            "out of memory");
    elements = room;
    if ((s = decode_list(d, element, &item, elements + count * element->size)))
      return s;
    count++;
  }
  memcpy(member(out, f->offset), &elements, sizeof elements);
  memcpy(member(out, f->count_offset), &count, sizeof count);
  return BRRR_OK;
}

static brrr_status decode_field(decoder *d, const brrr__field *f,
                                const brrr_ben_item *item, void *out) {
  switch (f->content) {
  case BRRR__NUMBER:
    return decode_number(d, f, item, member(out, f->offset));
  case BRRR__SET:
    return decode_set(d, f, item, out);
  default:
    return decode_string(d, f, item, member(out, f->offset));
  }
}

/* The place of `key` in the layout, or its count: by all octets of the name
 * [REC-28]. */
static size_t find(const brrr__layout *layout, brrr_bytes key) {
  size_t i = 0;
  while (i < layout->count && !brrr_bytes_equal(layout->fields[i].name, key))
    i++;
  return i;
}

static brrr_status decode_dict(decoder *d, const brrr__layout *layout,
                               const brrr_ben_item *first, void *out) {
  uint32_t seen = 0; /* one bit a field */
  brrr_ben_item item;
  brrr_status s;
  if (first->type != BRRR_BEN_DICT)
    return fail(d, first->offset, "REC-23", layout->wrong_type);
  for (;;) {
    if ((s = brrr_ben_next(&d->r, &item)))
      return s;
    if (item.type == BRRR_BEN_END)
      break;
    const size_t i = find(layout, item.str);
    if ((s = brrr_ben_next(&d->r, &item)))
      return s;
    s = i < layout->count ? decode_field(d, &layout->fields[i], &item, out)
                          : brrr_ben_skip(&d->r, &item); /* [REC-20] */
    if (s)
      return s;
    seen |= UINT32_C(1) << i;
  }
  for (size_t i = 0; i < layout->count; i++)
    if (!(seen & UINT32_C(1) << i) && !layout->fields[i].optional)
      return fail(d, item.offset, "REC-26", layout->fields[i].missing);
  return BRRR_OK;
}

/* `out` is cleared first; what it holds after an error means nothing. */
static brrr_status decode(const brrr__layout *layout, void *out, brrr_arena *a,
                          brrr_bytes in, brrr_error *err) {
  decoder d;
  d.arena = a;
  brrr_ben_init(&d.r, in);
  memset(out, 0, layout->size);
  brrr_ben_item item;
  brrr_status s = brrr_ben_next(&d.r, &item);
  if (!s)
    s = layout->dict ? decode_dict(&d, layout, &item, out)
                     : decode_list(&d, layout, &item, out);
  return s ? brrr__error_set(err, d.r.error) : brrr_ben_finish(&d.r, err);
}

brrr_status brrr_schedule_message_decode(brrr_schedule_message *out,
                                         brrr_bytes in, brrr_error *err) {
  brrr_schedule_message m; /* [REC-1] */
  brrr_status s = decode(&brrr__schedule_message, &m, NULL, in, err);
  if (!s)
    *out = m;
  return s;
}

brrr_status brrr_pending_return_decode(brrr_pending_return *out, brrr_bytes in,
                                       brrr_error *err) {
  brrr_pending_return r; /* [REC-2] */
  brrr_status s = decode(&brrr__pending_return, &r, NULL, in, err);
  if (!s)
    *out = r;
  return s;
}

brrr_status brrr_pending_returns_decode(brrr_pending_returns *out,
                                        brrr_arena *a, brrr_bytes in,
                                        brrr_error *err) {
  brrr_pending_returns p; /* [REC-3] */
  brrr_status s = decode(&brrr__pending_returns, &p, a, in, err);
  if (!s)
    *out = p;
  return s;
}

brrr_status brrr_call_decode(brrr_call *out, brrr_bytes in, brrr_error *err) {
  brrr_call c; /* [REC-4] */
  brrr_status s = decode(&brrr__call, &c, NULL, in, err);
  if (!s) {
    out->task_name = c.task_name;
    out->payload = c.payload;
  }
  return s;
}

/* ==== Encoding =========================================================== */

static void encode_string(brrr_buf *b, const brrr__field *f,
                          const brrr_bytes *str) {
  size_t good = good_prefix(f->content, *str);
  if (good < str->len) {
    brrr__buf_fail(
        b, (brrr_error){BRRR_E_ENCODE, good, f->wrong_content,
                        f->content == BRRR__ASCII ? "REC-10" : "WIRE-5"});
    return;
  }
  brrr_ben_put_str(b, *str);
}

static void encode_list(brrr_buf *b, const brrr__layout *layout,
                        const void *in) {
  brrr_ben_put_list(b);
  brrr_ben_put_int(b, layout->tag);
  for (size_t i = 0; i < layout->count; i++) {
    const brrr__field *f = &layout->fields[i];
    encode_string(b, f, const_member(in, f->offset));
  }
  brrr_ben_put_end(b);
}

static void encode_set(brrr_buf *b, const brrr__field *f, const void *in) {
  const uint8_t *elements;
  size_t count;
  memcpy(&elements, const_member(in, f->offset), sizeof elements);
  memcpy(&count, const_member(in, f->count_offset), sizeof count);
  brrr_ben_put_list(b);
  for (size_t i = 0; i < count && !b->error.status; i++)
    encode_list(b, f->element, elements + i * f->element->size);
  brrr_ben_put_end(b);
}

/* Left out when it is 0 [REC-8]. */
static void encode_number(brrr_buf *b, const brrr__field *f,
                          const int64_t *num) {
  if (*num < 0)
    brrr__buf_fail(b,
                   (brrr_error){BRRR_E_ENCODE, 0, f->wrong_content, "REC-9"});
  if (*num <= 0)
    return;
  brrr_ben_put_str(b, f->name);
  brrr_ben_put_int(b, *num); /* [WIRE-4] */
}

static void encode_dict(brrr_buf *b, const brrr__layout *layout,
                        const void *in) {
  brrr_ben_put_dict(b);
  for (size_t i = 0; i < layout->count; i++) { /* [WIRE-3] [REC-11] */
    const brrr__field *f = &layout->fields[i];
    if (f->content == BRRR__NUMBER) {
      encode_number(b, f, const_member(in, f->offset));
      continue;
    }
    brrr_ben_put_str(b, f->name);
    if (f->content == BRRR__SET)
      encode_set(b, f, in);
    else
      encode_string(b, f, const_member(in, f->offset));
  }
  brrr_ben_put_end(b);
}

void brrr_schedule_message_encode(brrr_buf *b,
                                  const brrr_schedule_message *in) {
  encode_list(b, &brrr__schedule_message, in);
}

void brrr_pending_return_encode(brrr_buf *b, const brrr_pending_return *in) {
  encode_list(b, &brrr__pending_return, in);
}

void brrr_pending_returns_encode(brrr_buf *b, brrr_pending_returns *in) {
  in->count = brrr__returns_sort(in->returns, in->count);
  encode_dict(b, &brrr__pending_returns, in);
}

void brrr_call_encode(brrr_buf *b, const brrr_call *in) {
  encode_dict(b, &brrr__call, in);
}
