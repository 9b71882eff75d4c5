# frozen_string_literal: true

# Runs every test, or with PIGATO_GC_STRESS those that are marked for it: one of each kind of object and of wait; with
# PIGATO_GC_STRESS=all every test so, which takes long. What moves objects runs in a process of its own: see test.sh.
(Dir[File.join(__dir__, "*_test.rb")].sort - [File.join(__dir__, "gc_test.rb")]).each do |file|
  require file if [nil, "all"].include?(ENV["PIGATO_GC_STRESS"]) || File.read(file).match?(/^  stress /)
end
