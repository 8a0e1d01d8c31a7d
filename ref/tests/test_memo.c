/* SPDX-License-Identifier: AGPL-3.0-only */
#include "memo.h"
#include "support.h"

#include <stdio.h>

#define ITEM(hash, label)                                                      \
  { BRRR_INIT(hash), BRRR_INIT(label) }

static brrr_memo *memo_of(heap *h, size_t octets) {
  brrr_memo *m = NULL;
  assert_int_equal(brrr_memo_new(&m, heap_alloc(h), octets), BRRR_OK);
  return m;
}

/* The octets are freed before they are used: the memo copies. */
static void put(brrr_memo *m, const char *key, const brrr__memo_item *items,
                size_t count) {
  brrr__memo_item copies[8];
  const brrr_bytes k = exact(brrr_bytes_str(key));
  assert_true(count <= 8);
  for (size_t i = 0; i < count; i++)
    copies[i] =
        (brrr__memo_item){exact(items[i].call_hash), exact(items[i].label)};
  brrr__memo_put(m, k, copies, count);
  for (size_t i = 0; i < count; i++) {
    exact_free(copies[i].call_hash);
    exact_free(copies[i].label);
  }
  exact_free(k);
}

static brrr__memo_list *find(brrr_memo *m, const char *key) {
  return brrr__memo_find(m, brrr_bytes_str(key));
}

static void assert_list(const brrr__memo_list *l, const brrr__memo_item *items,
                        size_t count) {
  size_t at = 0;
  brrr__memo_item item;
  assert_non_null(l);
  for (size_t i = 0; i < count; i++) {
    assert_true(brrr__memo_next(l, &at, &item));
    assert_bytes(item.call_hash, items[i].call_hash);
    assert_bytes(item.label, items[i].label);
  }
  assert_false(brrr__memo_next(l, &at, &item));
  assert_false(brrr__memo_next(l, &at, &item)); /* and stays at the end */
}

static const brrr__memo_item three[] = {ITEM("a", "topic-t"), ITEM("bb", ""),
                                        ITEM("", "\xff")};

static void test_lists(void **state) {
  (void)state;
  heap h = {0};
  brrr_memo *m = memo_of(&h, 4096);
  assert_null(find(m, "x"));
  put(m, "x", three, 3);
  put(m, "y", three, 1);
  put(m, "", three + 1, 2);
  put(m, "none", NULL, 0);
  assert_list(find(m, "x"), three, 3);
  assert_list(find(m, "y"), three, 1);
  assert_list(find(m, ""), three + 1, 2);
  assert_list(find(m, "none"), NULL, 0);
  put(m, "x", three + 2, 1); /* in place of the other */
  assert_list(find(m, "x"), three + 2, 1);
  brrr__memo_forget(m, BRRR_LIT("x"));
  brrr__memo_forget(m, BRRR_LIT("x"));
  assert_null(find(m, "x"));
  assert_list(find(m, "y"), three, 1);
  brrr_memo_free(m);
  assert_int_equal(h.live, 0);
}

static void test_drop(void **state) {
  (void)state;
  heap h = {0};
  brrr_memo *m = memo_of(&h, 4096);
  put(m, "x", three, 3);
  for (size_t i = 0; i <= 3; i++) {
    assert_list(find(m, "x"), three + i, 3 - i);
    brrr__memo_drop(find(m, "x"));
  }
  assert_list(find(m, "x"), NULL, 0);
  brrr_memo_free(m);
  assert_int_equal(h.live, 0);
}

/* How many lists of one item has a memo? The keys are numbers. */
static size_t known(brrr_memo *m, unsigned count) {
  size_t n = 0;
  for (unsigned i = 0; i < count; i++) {
    char key[16];
    snprintf(key, sizeof key, "%u", i);
    n += find(m, key) != NULL;
  }
  return n;
}

/* What it holds, all of it, stays within the bound; and it uses most of it. */
static void test_bound(void **state) {
  (void)state;
  const size_t bounds[] = {0, 100, 300, 1000, 5000, 100000};
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    heap h = {0};
    brrr_memo *m = memo_of(&h, bounds[i]);
    const size_t empty = h.octets;
    for (unsigned n = 0; n < 3000; n++) {
      char key[16];
      snprintf(key, sizeof key, "%u", n);
      put(m, key, three, n % 4);
      assert_true(h.octets <= (bounds[i] > empty ? bounds[i] : empty));
    }
    assert_true(bounds[i] < 1000 || h.octets > bounds[i] / 2);
    assert_int_equal(known(m, 3000) > 0, bounds[i] > 200);
    brrr_memo_free(m);
    assert_int_equal(h.live, 0);
  }
}

static void test_least_recently_used(void **state) {
  (void)state;
  heap h = {0};
  brrr_memo *m = memo_of(&h, 2000);
  put(m, "kept", three, 3);
  for (unsigned n = 0; n < 100; n++) {
    char key[16];
    snprintf(key, sizeof key, "%u", n);
    put(m, key, three, 3);
    assert_list(find(m, "kept"), three, 3); /* a use */
    assert_list(find(m, key), three, 3);
  }
  const size_t n = known(m, 100);
  assert_true(n > 2 && n < 90);
  for (unsigned i = 100 - (unsigned)n; i < 100; i++) { /* the last ones */
    char key[16];
    snprintf(key, sizeof key, "%u", i);
    assert_non_null(find(m, key));
  }
  brrr_memo_free(m);
  assert_int_equal(h.live, 0);
}

/* A list too long for the whole memo is not kept, and costs no other one. */
static void test_too_long(void **state) {
  (void)state;
  heap h = {0};
  brrr_memo *m = memo_of(&h, 4096);
  const brrr_bytes all = repeated("", "x", 4096, "");
  put(m, "x", three, 3);
  put(m, "y", three, 3);
  put(m, "y", &(brrr__memo_item){all, {NULL, 0}}, 1);
  assert_null(find(m, "y")); /* what was there is not what was asked for last */
  assert_list(find(m, "x"), three, 3);
  brrr__memo_put(m, all, three, 1);
  assert_null(brrr__memo_find(m, all));
  assert_list(find(m, "x"), three, 3);
  free((void *)(uintptr_t)all.ptr);
  brrr_memo_free(m);
  assert_int_equal(h.live, 0);
}

/* Without memory a list is not kept, and nothing else happens. */
static void once(heap *h, void *ud) {
  brrr_memo *const untouched = (brrr_memo *)h, *m = untouched;
  (void)ud;
  const brrr_status s = brrr_memo_new(&m, heap_alloc(h), 4096);
  if (s) {
    assert_int_equal(s, BRRR_E_NOMEM);
    assert_ptr_equal(m, untouched);
    return;
  }
  put(m, "x", three, 3);
  put(m, "y", three, 2);
  for (unsigned i = 0; i < 20; i++) /* the table grows */
    put(m, (const char[]){(char)('a' + (int)i), '\0'}, three, 0);
  if (find(m, "y"))
    assert_list(find(m, "y"), three, 2);
  else
    assert_true(h->fail_at > 0);
  brrr_memo_free(m);
}

static void test_memory(void **state) {
  (void)state;
  heap_sweep(once, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lists),
      cmocka_unit_test(test_drop),
      cmocka_unit_test(test_bound),
      cmocka_unit_test(test_least_recently_used),
      cmocka_unit_test(test_too_long),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
