DROP TABLE gateway.preset_versions, gateway.presets;
