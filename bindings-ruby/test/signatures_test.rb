# frozen_string_literal: true

require_relative "helper"
require "rbs"

# Signatures and methods match.
class SignaturesTest < PigatoTest
  PUBLIC = Pigato.constants.map { |name| Pigato.const_get(name) }.grep(Module) - [Pigato::Native]

  def builder
    @builder ||= begin
      loader = RBS::EnvironmentLoader.new
      loader.add(path: Pathname(File.expand_path("../sig", __dir__)))
      RBS::DefinitionBuilder.new(env: RBS::Environment.from_loader(loader).resolve_type_names)
    end
  end

  def type_name(type)
    RBS::TypeName.new(name: type.name.split("::").last.to_sym,
                      namespace: RBS::Namespace.parse("::#{type.name.split("::")[0..-2].join("::")}"))
  end

  def own(methods)
    methods.select { |_, method| method.defined_in.to_s.start_with?("::Pigato") && method.public? }.keys
  end

  # Methods of private modules are those of the classes that include them.
  def defined_here(type)
    modules = type.ancestors.take_while { |ancestor| ancestor.name.to_s.start_with?("Pigato") }
    modules.flat_map { |ancestor| ancestor.public_instance_methods(false) }.uniq
  end

  def test_public_methods_and_signatures_match
    PUBLIC.grep(Class).each do |type|
      signatures = own(builder.build_instance(type_name(type)).methods)
      assert_equal defined_here(type).sort, (signatures - [:initialize]).sort, type.name
      signatures = own(builder.build_singleton(type_name(type)).methods)
      methods = type.ancestors.grep(Class).take_while { |ancestor| ancestor.name.start_with?("Pigato") }
                    .flat_map { |ancestor| ancestor.singleton_methods(false) }.uniq
      assert_equal methods.sort, (signatures - [:new]).sort, type.name
    end
  end

  def test_arguments_match_the_signatures
    PUBLIC.grep(Class).each do |type|
      defined_here(type).each do |name|
        method = type.instance_method(name)
        next if method.parameters.any? { |kind, _| kind == :keyrest }

        builder.build_instance(type_name(type)).methods[name].method_types.each do |overload|
          assert_equal arguments(method.parameters), signed(overload.type), "#{type}##{name}"
        end
      end
    end
  end

  def test_every_class_and_constant_is_declared
    declared = builder.env.class_decls.keys.map(&:to_s).grep(/\A::Pigato::/).map { |name| name.delete_prefix("::") }
    assert_equal PUBLIC.map(&:name).sort, declared.sort
    constants = builder.env.constant_decls.keys.map(&:to_s).grep(/\A::Pigato::[A-Z_]+\z/)
    ours = Pigato.constants.reject { |name| Pigato.const_get(name).is_a?(Module) }
    assert_equal ours.map { |name| "::Pigato::#{name}" }.sort, constants.sort
  end

  def test_the_version_equals_the_cores
    assert_equal Pigato::Native::VERSION.tr("-", "."), Pigato::VERSION
  end

  private

  def arguments(parameters)
    kinds = parameters.group_by(&:first).transform_values { |given| given.map(&:last) }
    [kinds.fetch(:req, []).length, kinds.fetch(:opt, []).length, kinds.fetch(:key, []).sort]
  end

  def signed(function)
    [function.required_positionals.length, function.optional_positionals.length, function.optional_keywords.keys.sort]
  end
end
