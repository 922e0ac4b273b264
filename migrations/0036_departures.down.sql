DROP TRIGGER changes_role ON identity.members;
DROP TRIGGER departs ON identity.members;
DROP FUNCTION identity.depart();
DROP TABLE identity.departures;
