/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * service.h - a private DynamoDBLocal or moto server (an SQS) on a free port.
 * It dies with the test, however that ends.
 */
#ifndef BRRR_TESTS_SERVICE_H
#define BRRR_TESTS_SERVICE_H

#include "support.h"

#include <sys/types.h>

typedef struct service {
  pid_t pid;
  uint16_t port;
  char url[64];
} service;

/* Starts it and waits until it accepts connections. A missing installation
 * fails the test, and says what to do. */
void service_start_dynamodb(service *s);
void service_start_sqs(service *s);
void service_stop(service *s);

#endif
