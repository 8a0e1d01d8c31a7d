/* SPDX-License-Identifier: AGPL-3.0-only */
#include "sort.h"
#include "support.h"

#define LARGE 16384

typedef struct item {
  uint32_t key;
  size_t *compared; /* counts */
  uint8_t filling[BRRR__SORT_MAX_SIZE - 16];
} item;

_Static_assert(sizeof(item) == BRRR__SORT_MAX_SIZE, "as large as can be");

static int compare(const void *x, const void *y) {
  const item *a = x, *b = y;
  ++*a->compared;
  return (a->key > b->key) - (a->key < b->key);
}

static void test_every_small_array(void **state) {
  (void)state;
  for (size_t count = 0, arrays = 1; count <= 6; count++, arrays *= 6)
    for (size_t n = 0; n < arrays; n++) { /* its digits to the base 6 */
      size_t compared = 0, times[6] = {0};
      item items[6];
      for (size_t i = 0, rest = n; i < count; i++, rest /= 6) {
        items[i] = (item){.key = (uint32_t)(rest % 6), .compared = &compared};
        times[rest % 6]++;
      }
      brrr__sort(items, count, sizeof *items, compare);
      for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || items[i - 1].key <= items[i].key);
        times[items[i].key]--;
      }
      for (size_t i = 0; i < 6; i++)
        assert_int_equal(times[i], 0);
    }
}

/* How many comparisons does a large array take? */
static size_t cost(uint32_t (*key)(uint32_t i)) {
  size_t compared = 0;
  item *items = calloc(LARGE, sizeof *items);
  assert_non_null(items);
  for (uint32_t i = 0; i < LARGE; i++)
    items[i] = (item){.key = key(i), .compared = &compared};
  brrr__sort(items, LARGE, sizeof *items, compare);
  const size_t needed = compared;
  for (size_t i = 1; i < LARGE; i++)
    assert_true(items[i - 1].key <= items[i].key);
  free(items);
  return needed;
}

static uint32_t ascending(uint32_t i) { return i; }
static uint32_t equal(uint32_t i) { return i * 0; }
static uint32_t descending(uint32_t i) { return LARGE - i; }
static uint32_t scattered(uint32_t i) { return i * UINT32_C(2654435761); }
static uint32_t last_is_first(uint32_t i) { return i == LARGE - 1 ? 0 : i; }
static uint32_t see_saw(uint32_t i) { return i & 1 ? i : LARGE - i; }

static void test_cost(void **state) {
  (void)state;
  const size_t n = LARGE, log2_n = 14;
  assert_int_equal(cost(ascending), n - 1);
  assert_int_equal(cost(equal), n - 1);
  assert_true(cost(descending) <= 2 * n * log2_n + 3 * n);
  assert_true(cost(scattered) <= 2 * n * log2_n + 3 * n);
  assert_true(cost(last_is_first) <= 2 * n * log2_n + 3 * n);
  assert_true(cost(see_saw) <= 2 * n * log2_n + 3 * n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_small_array),
      cmocka_unit_test(test_cost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
