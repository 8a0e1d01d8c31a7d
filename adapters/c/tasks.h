/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * tasks.h - the tasks of conformance/programs.md, on libbrrr's app and JSON
 * codec.
 */
#ifndef BRRR_ADAPTER_TASKS_H
#define BRRR_ADAPTER_TASKS_H

#include <brrr/json.h>

/* The codec, that of brrr_json_codec, must outlive the app. */
brrr_app tasks_app(const brrr_codec *codec);

/* NUL-terminated; NULL where memory is out. */
const char *tasks_text(brrr_arena *a, brrr_bytes text);

#endif
