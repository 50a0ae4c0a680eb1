#!/bin/bash
# Runs once, when the database is made: the role of the workers. It may log in and nothing else; control, which owns the tables, grants it
# what it needs when it makes them.
set -eu
psql --set ON_ERROR_STOP=1 --set password="$SELFREWARD_WORKER_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" << 'SQL'
create role selfreward_worker login nosuperuser nocreatedb nocreaterole noinherit password :'password';
revoke create on schema public from public;
SQL
