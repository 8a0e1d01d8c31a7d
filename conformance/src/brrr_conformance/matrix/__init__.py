# SPDX-License-Identifier: AGPL-3.0-only
"""The matrix: every SDK with every other, and all of them in one fleet.

pairs    graphs and programs of a caller and a callee
golden   the records that each writes, read by each
hashes   the calls that each hashes, and who agrees
fleet    all of them on one topic
storm    all of them, while workers die and connections are lost
"""
