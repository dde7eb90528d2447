#!/bin/sh
# Makes what is missing on a PostgreSQL server: the services' roles with their passwords, identity's database, the template of municipalities with
# PostGIS. Running it again changes nothing but sets the passwords. The same as tools/Supervisor/Engines/Databases.cs does on one machine.
set -eu

sql() { database=$1; shift; psql -X -q -v ON_ERROR_STOP=1 -At -d "$database" "$@"; }

for service in $SERVICES; do
  may_create=NOCREATEDB
  [ "$service" = identity ] && may_create=CREATEDB
  [ "$(sql postgres -c "SELECT count(*) FROM pg_roles WHERE rolname = 'allmende_$service'")" = 1 ] || sql postgres -c "CREATE ROLE allmende_$service"
  echo "ALTER ROLE allmende_$service LOGIN $may_create PASSWORD :'password'" | sql postgres -v password="$(cat "${PASSWORDS:-/passwords}/$service-password")"
  # Identity makes schemas in the name of the other services; for that it is a member of their roles.
  [ "$service" = identity ] || sql postgres -c "GRANT allmende_$service TO allmende_identity"
done

[ "$(sql postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'allmende'")" = 1 ] || sql postgres -c 'CREATE DATABASE allmende'
sql allmende -c 'REVOKE CONNECT ON DATABASE allmende FROM PUBLIC' \
  -c 'GRANT CONNECT ON DATABASE allmende TO allmende_identity' \
  -c 'CREATE SCHEMA IF NOT EXISTS identity AUTHORIZATION allmende_identity'

if [ "$(sql postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'allmende_template'")" = 0 ]; then
  # Under another name until it is complete, so that an interrupted run does not leave half a template.
  sql postgres -c 'DROP DATABASE IF EXISTS allmende_template_draft'
  sql postgres -c 'CREATE DATABASE allmende_template_draft'
  sql allmende_template_draft -c 'CREATE EXTENSION postgis' -c 'REVOKE CONNECT ON DATABASE allmende_template_draft FROM PUBLIC'
  sql postgres -c 'ALTER DATABASE allmende_template_draft RENAME TO allmende_template'
  sql postgres -c 'ALTER DATABASE allmende_template WITH IS_TEMPLATE true ALLOW_CONNECTIONS false'
fi
